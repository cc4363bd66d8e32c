// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the ethtool ioctl gives of one device: features by name, statistics by name. By the interface's name, in the
// netns of the calling process.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "map.hpp"
#include "result.hpp"

namespace weft {

class Ethtool {
public:
    struct Feature {
        std::string name;  // the kernel's: "rx-vlan-hw-parse"
        bool active, fixed;
    };

    static Result<Ethtool> open(const std::string& interface);

    Result<std::vector<Feature>> features() const;
    // Asks for it; the driver may not follow, so read back.
    Result<> set_features(const std::vector<std::string>& names, bool on) const;
    Result<std::vector<std::pair<std::string, std::uint64_t>>> statistics() const;  // empty if the driver has none

private:
    Ethtool(std::string interface, Fd socket) : interface_(std::move(interface)), socket_(std::move(socket)) {}
    Result<> call(void* command, const char* doing) const;
    Result<std::vector<std::string>> strings(std::uint32_t set) const;
    std::string interface_;
    Fd socket_;
};

}  // namespace weft
