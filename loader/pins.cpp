// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "pins.hpp"

#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace weft::pins {

namespace {

constexpr const char* BPFFS = "/sys/fs/bpf";
constexpr const char* ROOT = "/sys/fs/bpf/weft";

Result<> make_folder(const std::string& path) {
    if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Ok{};
    if (errno == EPERM || errno == EACCES)
        return fail(errno, "make " + path + ": not permitted, run as root or by the systemd unit");
    return fail_errno("make " + path);
}

// "17_tc" with suffix "_tc" -> 17, "v2" with prefix "v" -> 2; none for any other name.
std::optional<std::uint32_t> number_in(std::string_view name, std::string_view prefix, std::string_view suffix) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) return {};
    name.remove_prefix(prefix.size());
    name.remove_suffix(std::min(suffix.size(), name.size()));
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return {};
    return number;
}

std::vector<std::uint32_t> numbers(const std::string& path, std::string_view prefix, std::string_view suffix) {
    std::vector<std::uint32_t> out;
    for (const auto& name : entries(path))
        if (auto number = number_in(name, prefix, suffix)) out.push_back(*number);
    std::sort(out.begin(), out.end());
    return out;
}

bool is_bpffs() {
    struct statfs about = {};
    return statfs(BPFFS, &about) == 0 && about.f_type == BPF_FS_MAGIC;
}

}  // namespace

std::string instance_path(const std::string& instance) { return std::string(ROOT) + "/" + instance; }
std::string Folder::path() const { return instance_path(instance) + "/v" + std::to_string(version); }

Result<> require_bpffs() {
    if (is_bpffs()) return Ok{};
    return fail(ENOENT, std::string("no BPF file system on ") + BPFFS +
                            ": run `mount -t bpf bpf /sys/fs/bpf`, or weftd --attach");
}

Result<> mount_bpffs() {
    if (is_bpffs()) return Ok{};
    if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0) return Ok{};
    return fail_errno(std::string("mount a BPF file system on ") + BPFFS);
}

Result<> make(const Folder& folder) {
    TRY_OK(require_bpffs());
    for (const auto& path :
         {std::string(ROOT), instance_path(folder.instance), folder.path(), folder.links(), folder.path() + "/progs"})
        TRY_OK(make_folder(path));
    return Ok{};
}

std::vector<std::uint32_t> versions(const std::string& instance) { return numbers(instance_path(instance), "v", ""); }

std::vector<std::uint32_t> pinned_links(const Folder& folder) {
    auto out = numbers(folder.links(), "", "_tc");
    const auto egress = numbers(folder.links(), "", "_egress");
    out.insert(out.end(), egress.begin(), egress.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::vector<std::string> entries(const std::string& folder_path) {
    std::vector<std::string> out;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(folder_path.c_str()), closedir);
    if (!folder) return out;
    while (const dirent* entry = readdir(folder.get()))
        if (std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
    return out;
}

Result<std::optional<Fd>> open(const std::string& path) {
    const int fd = bpf_obj_get(path.c_str());
    if (fd >= 0) return std::optional<Fd>(Fd(fd));
    if (errno == ENOENT) return std::optional<Fd>();
    if (errno == EPERM || errno == EACCES)
        return fail(errno, "open " + path + ": not permitted, run as root or by the systemd unit");
    return fail_errno("open " + path);
}

Result<> pin(int fd, const std::string& path) {
    if (bpf_obj_pin(fd, path.c_str()) == 0) return Ok{};
    return fail_errno("pin " + path);
}

Result<> unpin(const std::string& path) {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return Ok{};
    return fail_errno("remove " + path);
}

Result<> remove(const std::string& folder_path) {
    for (const auto& name : entries(folder_path)) {
        const std::string path = (folder_path + "/").append(name);
        if (unlink(path.c_str()) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR && errno != EPERM) return fail_errno("remove " + path);
        TRY_OK(remove(path));
    }
    if (rmdir(folder_path.c_str()) == 0 || errno == ENOENT) return Ok{};
    return fail_errno("remove " + folder_path);
}

Result<> remove_root_if_empty() {
    if (rmdir(ROOT) == 0 || errno == ENOENT || errno == ENOTEMPTY) return Ok{};
    return fail_errno(std::string("remove ") + ROOT);
}

}  // namespace weft::pins
