// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What an open Datapath holds; shared by the files that implement it (datapath, datapath_attach).
#pragma once

#include <array>

#include "datapath.hpp"
#include "generation.hpp"
#include "offloads.hpp"
#include "pins.hpp"

namespace weft {

// Identity of the calling thread's network namespace, by SO_NETNS_COOKIE: unlike an inode it is never reused.
Result<std::uint64_t> netns_cookie();

struct Datapath::State {
    pins::Folder folder;
    config settings;
    TcMethod tc;
    std::uint64_t cookie;
    std::array<Fd, MAX_HOOKS> stubs;
    Tables tables;
    Fd events;
    Links links;  // for questions; nobody follows its events

    static Result<State> open(const pins::Folder& folder, const config& settings, TcMethod tc);

    // The row of a link as it was left, or a fresh one; what a former device of this ifindex left is dropped.
    Result<attachment> row_of(const Link& link);
    Result<bool> device_went(std::uint32_t ifindex) const;
    Result<> forget(std::uint32_t ifindex);
    Result<> attach_stub(const Link& link, hook_program stub, attachment& row);
    Result<Attachment> serve_xdp(const Link& link, Role role, Hook wanted, attachment& row);
    Result<> drop_xdp(const Link& link, attachment& row);
    static Result<> take_vlans(const std::string& nic, attachment& row);
    static Result<> leave_vlans(const std::string& nic, attachment& row);
    Result<> explore_delivery(const Link& link, Attachment& out);
    std::array<int, 2> xdp_stubs() const;
};

}  // namespace weft
