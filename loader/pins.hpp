// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Where an instance's state lives in the BPF file system: /sys/fs/bpf/weft/<instance>/v<ABI>/ holds the maps by name,
// progs/stub_<hook>, links/<ifindex>_tc and links/<ifindex>_egress. Only paths and file operations; knows no map's
// shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "map.hpp"
#include "result.hpp"

namespace weft::pins {

// One ABI version's folder of an instance.
struct Folder {
    std::string instance;
    std::uint32_t version;

    std::string path() const;
    std::string map(const std::string& name) const { return path() + "/" + name; }
    std::string program(const std::string& name) const { return path() + "/progs/" + name; }
    std::string link(std::uint32_t ifindex) const { return links() + "/" + std::to_string(ifindex) + "_tc"; }
    std::string egress_link(std::uint32_t ifindex) const { return links() + "/" + std::to_string(ifindex) + "_egress"; }
    std::string links() const { return path() + "/links"; }
};

std::string instance_path(const std::string& instance);

// ENOENT with what to do when /sys/fs/bpf is no BPF file system.
Result<> require_bpffs();
Result<> mount_bpffs();  // if it is none yet; needs CAP_SYS_ADMIN

Result<> make(const Folder& folder);
std::vector<std::uint32_t> versions(const std::string& instance);  // ascending
std::vector<std::uint32_t> pinned_links(const Folder& folder);     // ifindexes
std::vector<std::string> entries(const std::string& folder_path);  // names in it; none if it is not there

Result<std::optional<Fd>> open(const std::string& path);  // none if nothing is pinned there
Result<> pin(int fd, const std::string& path);
Result<> unpin(const std::string& path);  // nothing there is fine
// The folder with everything below it. Objects live on while something else holds them.
Result<> remove(const std::string& folder_path);
Result<> remove_root_if_empty();  // of all instances

}  // namespace weft::pins
