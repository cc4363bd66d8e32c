// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sends small UDP datagrams as fast as one core can: bench_sender ADDRESS PORT SECONDS PAYLOAD_BYTES FLOWS CPU.
// Each flow is a connected socket, so source ports differ and the outer port is spread. Prints datagrams and seconds.
#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr unsigned BATCH = 64;

int fail(const char* doing) {
    std::perror(doing);
    return 1;
}

std::vector<int> open_flows(const char* address, int port, int count) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address, &to.sin_addr);
    std::vector<int> sockets;
    for (int i = 0; i < count; ++i) {
        const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
        sockets.push_back(fd);
    }
    return sockets;
}

void stay_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) return std::fputs("usage: bench_sender ADDRESS PORT SECONDS PAYLOAD_BYTES FLOWS CPU\n", stderr), 2;
    const auto flows = open_flows(argv[1], std::atoi(argv[2]), std::atoi(argv[5]));
    if (flows.empty()) return fail("open sockets");
    stay_on(std::atoi(argv[6]));

    std::vector<char> payload(static_cast<std::size_t>(std::atoi(argv[4])), 'w');
    iovec part{payload.data(), payload.size()};
    std::array<mmsghdr, BATCH> batch{};
    for (auto& message : batch) message.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1};

    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    const std::chrono::duration<double> wanted(std::atof(argv[3]));
    unsigned long sent = 0;
    std::chrono::duration<double> spent{};
    while ((spent = clock::now() - start) < wanted) {
        for (const int flow : flows) {
            const int done = sendmmsg(flow, batch.data(), BATCH, 0);
            if (done > 0) sent += static_cast<unsigned long>(done);
        }
    }
    std::printf("%lu %.6f\n", sent, spent.count());
    return sent ? 0 : fail("send");
}
