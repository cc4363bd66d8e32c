// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A netlink socket by libmnl: requests, dumps and multicast groups, with Result errors that carry the kernel's extended
// ACK text where it gives one. Users build messages with libmnl's mnl_nlmsg_* / mnl_attr_* and hand them over.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "result.hpp"

namespace weft {

class Netlink {
public:
    using OnMessage = std::function<void(const nlmsghdr&)>;

    // groups: RTNLGRP_* to join (NETLINK_ROUTE). The socket is non-blocking only for receive().
    static Result<Netlink> open(std::span<const unsigned> groups = {});

    // Sends, waits for the ACK (NLM_F_ACK is set here) or the dump's end; every answer goes to on_message.
    // doing: the clause for the error, "create vxlan device weft-1a2b".
    Result<> request(nlmsghdr& message, std::string_view doing, const OnMessage& on_message = {});

    // Multicast messages that are waiting; returns when the socket is empty. ENOBUFS: some were lost, dump again.
    Result<> receive(const OnMessage& on_message);

    int fd() const;

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit Netlink(mnl_socket* socket) : socket_(socket) {}
    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace weft
