// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the rows of tests/bpf share: a case at port p1 of segment 1, checked by verdict, returned action, bytes and the
// copies that others got.
#pragma once

#include <optional>

#include "rig.hpp"

// A rig by the name, or the test is skipped with the reason.
#define NEED_RIG(name, ...)                                              \
    std::string name##_why_not;                                          \
    const auto name = Rig::make(RigOptions __VA_ARGS__, name##_why_not); \
    if (!name) GTEST_SKIP() << name##_why_not

namespace weft::test {

constexpr int ACTION_DROP = 2, ACTION_REDIRECT = 7, ACTION_OK = 0, ACTION_UNSPEC = -1;
constexpr int XDP_ACTION_DROP = 1, XDP_ACTION_PASS = 2, XDP_ACTION_REDIRECT = 4;

struct Case {
    const char* name;
    std::uint16_t segment_flags;
    Bytes in;
    verdict why;
    Bytes out;                      // empty: not looked at
    std::size_t to_p2, to_remotes;  // clones; a frame that is redirected itself is none
};

void check(Rig& rig, const Case& row);

// What this host's underlay brings from `sender`: over IPv4 without UDP checksum, over IPv6 with a right one.
Bytes tunnelled(const Rig& rig, const Ip& sender, std::uint32_t vni, const Bytes& inner, std::uint8_t tos = 0);

// The inner frame of a tunnel packet.
Bytes inner_of(const Rig& rig, const Bytes& outer);

// A source held back for EVENT_REPEAT_MS may speak again.
void forget_recent(Rig& rig);

// Exactly one EVENT_LEARN_NEIGHBOR, or none where ip is null; other events are not looked at.
void expect_neighbor_event(Rig& rig, const char* ip, const Mac& mac, std::uint32_t ifindex, std::uint16_t flags);

}  // namespace weft::test
