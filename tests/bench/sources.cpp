// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "sources.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/udp.h>
#include <sys/socket.h>

#include <algorithm>

#include "frame.hpp"
#include "traffic.h"
#include "traffic.skel.h"

namespace weft::bench {

namespace {

constexpr std::uint32_t LIVE_FRAMES = 1u << 1;  // BPF_F_TEST_XDP_LIVE_FRAMES, 5.18
// A run begins and ends with some 20 ms in which the kernel makes and takes away its page pool: so there is one, which
// ends by a signal.
constexpr int LIVE_ENDLESS = 1 << 30, LIVE_BATCH = 64;
constexpr std::size_t BATCH = 64, GSO_BATCH = 4;
constexpr std::size_t HEADER_BYTES = 42;  // Ethernet, IPv4, UDP

class LiveSource : public Source {
public:
    LiveSource(const Shape& shape, int program_fd, const slot& made)
        : frame_(make_frame(shape, 0)), program_fd_(program_fd), made_(made) {}

    Result<> burst() override {
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame_.data(), .data_size_in = static_cast<__u32>(frame_.size()),
                    .repeat = LIVE_ENDLESS, .flags = LIVE_FRAMES, .batch_size = LIVE_BATCH);
        const int error = bpf_prog_test_run_opts(program_fd_, &run);
        if (error != 0 && error != -EINTR) return fail_errno("send live frames", -error);
        return Ok{};
    }

    std::uint64_t sent() const override { return *static_cast<const volatile __u64*>(&made_.value); }

private:
    std::vector<std::uint8_t> frame_;
    int program_fd_;
    const slot& made_;  // written by the program
};

// The same messages again and again, by one sendmmsg a socket.
class SocketSource : public Source {
public:
    SocketSource(std::vector<Fd> sockets, std::vector<std::vector<std::uint8_t>> data, std::size_t batch,
                 unsigned frames)
        : sockets_(std::move(sockets)),
          data_(std::move(data)),
          parts_(data_.size()),
          messages_(batch),
          frames_(frames) {
        for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i] = {data_[i].data(), data_[i].size()};
        for (std::size_t i = 0; i < batch; ++i)
            messages_[i].msg_hdr = {.msg_iov = &parts_[i % parts_.size()], .msg_iovlen = 1};
    }

    Result<> burst() override {
        for (const Fd& socket : sockets_) {
            const int done = sendmmsg(socket.get(), messages_.data(), static_cast<unsigned>(messages_.size()), 0);
            if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) return fail_errno("send");
            sent_ += static_cast<std::uint64_t>(std::max(done, 0)) * frames_;
        }
        return Ok{};
    }

    std::uint64_t sent() const override { return sent_; }

private:
    std::vector<Fd> sockets_;
    std::vector<std::vector<std::uint8_t>> data_;
    std::vector<iovec> parts_;
    std::vector<mmsghdr> messages_;
    unsigned frames_;  // a message makes so many
    std::atomic<std::uint64_t> sent_ = 0;
};

// Each flow is a connected socket, so that source ports differ and the outer port is spread.
Result<std::vector<Fd>> connected(const Shape& shape) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(TRAFFIC_PORT);
    inet_pton(AF_INET, shape.to_ip.text().c_str(), &to.sin_addr);
    std::vector<Fd> sockets;
    for (unsigned flow = 0; flow < shape.flows; ++flow) {
        sockets.emplace_back(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (connect(sockets.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            return fail_errno("connect a UDP socket");
    }
    return sockets;
}

using Opened = Result<std::unique_ptr<Source>>;

Opened open_udp(const Shape& shape) {
    TRY(auto sockets, connected(shape));
    const std::vector<std::uint8_t> payload(shape.bytes - HEADER_BYTES, 'w');
    return std::make_unique<SocketSource>(std::move(sockets), std::vector(1, payload), BATCH, 1);
}

Opened open_gso(const Shape& shape) {
    TRY(auto sockets, connected(shape));
    const int size = static_cast<int>(shape.bytes);
    for (const Fd& each : sockets)
        if (setsockopt(each.get(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0) return fail_errno("UDP_SEGMENT");
    const std::vector<std::uint8_t> payload(shape.bytes * shape.segments, 'w');
    return std::make_unique<SocketSource>(std::move(sockets), std::vector(1, payload), GSO_BATCH, shape.segments);
}

Opened open_packet(const Shape& shape) {
    std::vector<Fd> sockets;
    sockets.emplace_back(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // protocol 0: hears nothing
    const int yes = 1;
    setsockopt(sockets[0].get(), SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
    TRY(const auto ifindex, ifindex_of(shape.device));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_ifindex = static_cast<int>(ifindex);
    if (bind(sockets[0].get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        return fail_errno("bind AF_PACKET");
    std::vector<std::vector<std::uint8_t>> frames;
    for (unsigned flow = 0; flow < shape.flows; ++flow) frames.push_back(make_frame(shape, flow));
    return std::make_unique<SocketSource>(std::move(sockets), std::move(frames), BATCH, 1);
}

}  // namespace

std::vector<std::uint8_t> make_frame(const Shape& shape, unsigned flow) {
    using namespace weft::test;
    const auto port = static_cast<std::uint16_t>(TRAFFIC_FIRST_PORT + flow);
    const Eth ethernet{.dst = shape.to_mac, .src = shape.from_mac};
    if (shape.vlan != 0)
        return frame(ethernet, Vlan{.id = shape.vlan}, Ip4{.src = shape.from_ip, .dst = shape.to_ip},
                     Udp{.sport = port, .dport = TRAFFIC_PORT, .sum = Sum::ZERO}, payload(shape.bytes - HEADER_BYTES));
    return frame(ethernet, Ip4{.src = shape.from_ip, .dst = shape.to_ip},
                 Udp{.sport = port, .dport = TRAFFIC_PORT, .sum = Sum::ZERO}, payload(shape.bytes - HEADER_BYTES));
}

Opened open_source(const std::string& kind, const Shape& shape, const traffic_bpf& programs, unsigned cpu) {
    if (kind == "live")
        return std::make_unique<LiveSource>(shape, bpf_program__fd(programs.progs.generate),
                                            programs.bss->made[cpu % TRAFFIC_CPUS]);
    if (kind == "udp") return open_udp(shape);
    if (kind == "packet") return open_packet(shape);
    if (kind == "gso") return open_gso(shape);
    return fail(EINVAL, "no kind " + kind);
}

}  // namespace weft::bench
