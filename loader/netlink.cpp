// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "netlink.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace weft {

namespace {

constexpr std::size_t BUFFER_BYTES =
    128UL * 1024;  // a link with many virtual functions fills more than a dump's 32 KiB
constexpr int EVENT_QUEUE_BYTES = 8 * 1024 * 1024;
constexpr int DUMP_ATTEMPTS = 32;
constexpr int DATAGRAMS_PER_RECEIVE = 4096;
constexpr timeval ANSWER_TIMEOUT{5, 0};  // rtnetlink answers inside send(); silence means the answer was lost

bool is_dump(const nlmsghdr& message) {
    // NLM_F_DUMP's bits mean REPLACE and EXCL in a NEW request; the two low bits of an rtnetlink type tell which it is.
    return (message.nlmsg_type & 3) == 2 && (message.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

// The kernel's own words behind an NLMSG_ERROR or NLMSG_DONE, if it had any.
std::string extended_ack(const nlmsghdr& message) {
    if (!(message.nlmsg_flags & NLM_F_ACK_TLVS)) return {};
    std::size_t offset = sizeof(std::int32_t);
    if (message.nlmsg_type == NLMSG_ERROR) {
        offset = sizeof(nlmsgerr);
        const auto& request = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message))->msg;
        if (!(message.nlmsg_flags & NLM_F_CAPPED)) offset += request.nlmsg_len - sizeof(nlmsghdr);
    }
    if (offset > mnl_nlmsg_get_payload_len(&message)) return {};
    return Attributes(message, offset).text(NLMSGERR_ATTR_MSG);
}

// The result that an NLMSG_ERROR or NLMSG_DONE carries.
Result<> outcome(const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(std::int32_t)) return Ok{};
    const int code = -*static_cast<const std::int32_t*>(mnl_nlmsg_get_payload(&message));
    if (code == 0) return Ok{};
    if (auto text = extended_ack(message); !text.empty()) return fail_errno(text, code);
    return fail(code, std::strerror(code));
}

}  // namespace

Netlink::Netlink(mnl_socket* socket) : socket_(socket), buffer_(BUFFER_BYTES) {}

Result<Netlink> Netlink::open(std::span<const unsigned> groups) {
    mnl_socket* raw = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!raw) return fail_errno("open a netlink socket");
    Netlink out(raw);
    if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) != 0) return fail_errno("bind a netlink socket");
    int on = 1;
    mnl_socket_setsockopt(raw, NETLINK_EXT_ACK, &on, sizeof on);  // both only better the error's text
    mnl_socket_setsockopt(raw, NETLINK_CAP_ACK, &on, sizeof on);
    if (setsockopt(out.fd(), SOL_SOCKET, SO_RCVTIMEO, &ANSWER_TIMEOUT, sizeof ANSWER_TIMEOUT) != 0)
        return fail_errno("set a netlink timeout");
    for (unsigned group : groups)
        if (mnl_socket_setsockopt(raw, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_errno("join netlink group " + std::to_string(group));
    if (!groups.empty() &&
        setsockopt(out.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &EVENT_QUEUE_BYTES, sizeof EVENT_QUEUE_BYTES) != 0)
        setsockopt(out.fd(), SOL_SOCKET, SO_RCVBUF, &EVENT_QUEUE_BYTES, sizeof EVENT_QUEUE_BYTES);
    return out;
}

Result<> Netlink::send(const nlmsghdr& message) {
    while (mnl_socket_sendto(socket_.get(), &message, message.nlmsg_len) < 0)
        if (errno != EINTR) return fail_errno("send");
    return Ok{};
}

// One datagram of the kernel's into buffer_; what other processes send is skipped.
Result<std::size_t> Netlink::read(int flags) {
    for (;;) {
        sockaddr_nl from{};
        iovec io{buffer_.data(), buffer_.size()};
        msghdr header{&from, sizeof from, &io, 1, nullptr, 0, 0};
        const ssize_t bytes = recvmsg(fd(), &header, flags);
        if (bytes < 0) {
            if (errno == EINTR) continue;
            return fail(errno, std::strerror(errno));
        }
        if (header.msg_flags & MSG_TRUNC) return fail(EMSGSIZE, "the kernel's answer is too long");
        if (from.nl_pid == 0) return static_cast<std::size_t>(bytes);
    }
}

// One datagram of answers; true when it held the end. Those of a request that was given up are skipped by sequence.
Result<bool> Netlink::answers(std::size_t bytes, Answers& out) {
    int left = static_cast<int>(bytes);
    auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_seq != sequence_ || message->nlmsg_pid != mnl_socket_get_portid(socket_.get())) continue;
        if (message->nlmsg_flags & NLM_F_DUMP_INTR) out.consistent = false;
        if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
            TRY_OK(outcome(*message));
            return true;
        }
        if (message->nlmsg_type < NLMSG_MIN_TYPE) continue;
        const auto* start = reinterpret_cast<const char*>(message);
        out.messages.insert(out.messages.end(), start, start + NLMSG_ALIGN(message->nlmsg_len));
    }
    return false;
}

// Sends and collects what comes back until its end.
Result<> Netlink::transact(nlmsghdr& message, Answers& out) {
    message.nlmsg_flags |= NLM_F_ACK;
    message.nlmsg_seq = ++sequence_;
    message.nlmsg_pid = 0;
    TRY_OK(send(message));
    for (bool done = false; !done;) {
        auto bytes = read(0);
        if (!bytes && bytes.error().code == EAGAIN) return fail_errno("wait for the kernel's answer", ETIMEDOUT);
        if (!bytes) return tl::make_unexpected(bytes.error());
        TRY(done, answers(*bytes, out));
    }
    return Ok{};
}

Result<> Netlink::request(nlmsghdr& message, std::string_view doing, const OnMessage& on_message) {
    const int attempts = is_dump(message) ? DUMP_ATTEMPTS : 1;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Answers answers;
        if (auto done = transact(message, answers); !done) return fail(done.error(), doing);
        if (!answers.consistent) continue;
        int left = static_cast<int>(answers.messages.size());
        auto* next = reinterpret_cast<const nlmsghdr*>(answers.messages.data());
        for (; on_message && mnl_nlmsg_ok(next, left); next = mnl_nlmsg_next(next, &left)) on_message(*next);
        return Ok{};
    }
    return fail(EAGAIN, std::string(doing) + ": the tables change faster than they can be read");
}

Result<> Netlink::receive(const OnMessage& on_message) {
    for (int datagrams = 0; datagrams < DATAGRAMS_PER_RECEIVE; ++datagrams) {
        auto bytes = read(MSG_DONTWAIT);
        if (!bytes && bytes.error().code == EAGAIN) return Ok{};
        if (!bytes) return fail(bytes.error(), "receive netlink events");
        int left = static_cast<int>(*bytes);
        auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
            if (message->nlmsg_type >= NLMSG_MIN_TYPE) on_message(*message);
    }
    return Ok{};
}

}  // namespace weft
