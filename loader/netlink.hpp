// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A netlink socket by libmnl: requests, dumps and multicast groups, with Result errors that carry the kernel's extended
// ACK text where it gives one. Users build messages with Message and libmnl's mnl_attr_* and read them with Attributes.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "result.hpp"

namespace weft {

class Netlink {
public:
    using OnMessage = std::function<void(const nlmsghdr&)>;

    // groups: RTNLGRP_* to join (NETLINK_ROUTE). A socket with groups is for receive(), one without for request(): an
    // answer and a notification must not wait in one queue.
    static Result<Netlink> open(std::span<const unsigned> groups = {});

    // Sends, waits for the ACK (NLM_F_ACK is set here) or the dump's end; every answer goes to on_message. A dump that
    // the kernel calls inconsistent is made again, so on_message sees one whole dump. ETIMEDOUT after 5 s of silence.
    // doing: the clause for the error, "create vxlan device weft-1a2b".
    Result<> request(nlmsghdr& message, std::string_view doing, const OnMessage& on_message = {});

    // Multicast messages that are waiting; returns when the socket is empty, or after some thousands so that a storm
    // cannot hold the loop (the fd stays readable). ENOBUFS: some were lost, dump again.
    Result<> receive(const OnMessage& on_message);

    int fd() const { return mnl_socket_get_fd(socket_.get()); }

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    struct Answers {
        std::vector<char> messages;  // handed on once all are there, so that a handler may send requests itself
        bool consistent = true;
    };

    explicit Netlink(mnl_socket* socket);
    Result<std::size_t> read(int flags);
    Result<> send(const nlmsghdr& message);
    Result<bool> answers(std::size_t bytes, Answers& out);
    Result<> transact(nlmsghdr& message, Answers& out);

    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t sequence_ = 0;
    std::vector<char> buffer_;
};

// A request of type with flags (NLM_F_REQUEST is added) and a family header Body (ifinfomsg, rtmsg, ndmsg).
template <typename Body, std::size_t Bytes = 1024>
class Message {
public:
    explicit Message(std::uint16_t type, std::uint16_t flags = 0) {
        mnl_nlmsg_put_header(room_.data());
        header().nlmsg_type = type;
        header().nlmsg_flags = NLM_F_REQUEST | flags;
        body_ = static_cast<Body*>(mnl_nlmsg_put_extra_header(&header(), sizeof(Body)));
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(room_.data()); }
    Body& body() { return *body_; }

private:
    alignas(nlmsghdr) std::array<char, Bytes> room_{};
    Body* body_;
};

// The attributes of a message behind its family header, or of a nest, by type. The last of a type wins.
class Attributes {
public:
    Attributes(const nlmsghdr& message, std::size_t header_bytes)
        : Attributes(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header_bytes)),
                     static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message))) {}
    explicit Attributes(const nlattr* nest) {
        if (!nest) return;
        const auto* start = static_cast<const char*>(mnl_attr_get_payload(nest));
        *this = Attributes(reinterpret_cast<const nlattr*>(start), start + mnl_attr_get_payload_len(nest));
    }

    const nlattr* operator[](std::size_t type) const { return type < found_.size() ? found_[type] : nullptr; }

    // The value if it is there and long enough for T.
    template <typename T>
    std::optional<T> get(std::size_t type) const {
        const nlattr* attribute = (*this)[type];
        if (!attribute || mnl_attr_get_payload_len(attribute) < sizeof(T)) return std::nullopt;
        T value{};
        std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof value);
        return value;
    }
    std::string text(std::size_t type) const {
        const nlattr* attribute = (*this)[type];
        if (!attribute) return {};
        const auto* start = static_cast<const char*>(mnl_attr_get_payload(attribute));
        return {start, strnlen(start, mnl_attr_get_payload_len(attribute))};
    }
    std::span<const std::uint8_t> bytes(std::size_t type) const {
        const nlattr* attribute = (*this)[type];
        if (!attribute) return {};
        return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
    }

private:
    Attributes(const nlattr* first, const char* end) {
        const auto left = [&] { return static_cast<int>(end - reinterpret_cast<const char*>(first)); };
        for (; mnl_attr_ok(first, left()); first = mnl_attr_next(first))
            if (const auto type = mnl_attr_get_type(first); type < found_.size()) found_[type] = first;
    }
    std::array<const nlattr*, 96> found_{};
};

}  // namespace weft
