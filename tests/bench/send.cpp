// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool send: frames from one guest to another, counted where they arrive. Options besides those in main.cpp:
// device=eth0 from_mac= to_mac= from_ip= to_ip= bytes=60 flows=16 segments=30 (gso), and for live frames: macs=0,
// addresses=0 (spread over so many destinations, from to_mac and to_ip on) vlan=0 (a tag on each frame) routed=0 (1 if
// to_mac is a router's). cpus=N[,N…]: one sender on each. Rates are taken while all senders run, after a warm-up.
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <numeric>
#include <sstream>
#include <thread>

#include "sources.hpp"
#include "traffic.h"
#include "traffic.skel.h"

namespace weft::bench {

namespace {

constexpr Seconds WARM_UP(0.1);
constexpr std::size_t TAGGED_BYTES = 18;     // MACs, tag and type
constexpr std::size_t UP_TO_SUM_BYTES = 26;  // MACs, type, and IPv4 with TTL and checksum: what a router changes

using Programs = std::unique_ptr<traffic_bpf, decltype(&traffic_bpf__destroy)>;
using Counter = std::function<std::uint64_t()>;

Result<Shape> read_shape(const Options& options) {
    Shape shape{.device = options.text("device", "eth0")};
    TRY(shape.from_mac, options.value<Mac>("from_mac"));
    TRY(shape.to_mac, options.value<Mac>("to_mac"));
    TRY(shape.from_ip, options.value<Ip>("from_ip"));
    TRY(shape.to_ip, options.value<Ip>("to_ip"));
    shape.bytes = static_cast<std::size_t>(options.number("bytes", 60));
    shape.flows = static_cast<unsigned>(options.number("flows", 16));
    shape.segments = static_cast<unsigned>(options.number("segments", 30));
    shape.vlan = static_cast<std::uint16_t>(options.number("vlan", 0));
    return shape;
}

Result<Programs> load(const Options& options, const Shape& shape) {
    Programs programs(traffic_bpf__open(), traffic_bpf__destroy);
    if (!programs) return fail_errno("open the programs");
    TRY(programs->rodata->out_ifindex, ifindex_of(shape.device));
    programs->rodata->flows = shape.flows;
    programs->rodata->addresses = static_cast<std::uint32_t>(options.number("addresses", 0));
    const auto first = shape.to_ip.v4_bytes();
    programs->rodata->first_address =
        std::uint32_t{first[0]} << 24 | std::uint32_t{first[1]} << 16 | std::uint32_t{first[2]} << 8 | first[3];
    const bool up_to_sum = options.number("routed", 0) != 0 || programs->rodata->addresses != 0;
    const std::size_t changed = shape.vlan != 0 ? TAGGED_BYTES : up_to_sum ? UP_TO_SUM_BYTES : 0;
    programs->rodata->tag_bytes = shape.vlan != 0 ? 4 : 0;
    programs->rodata->restored = static_cast<std::uint32_t>(changed / 2);
    std::memcpy(programs->rodata->head, make_frame(shape, 0).data(), changed);
    programs->rodata->macs = static_cast<std::uint32_t>(options.number("macs", 0));
    if (const int error = traffic_bpf__load(programs.get()); error != 0) return fail_errno("load the programs", -error);
    return programs;
}

// A socket that nobody reads: the kernel counts what it drops there, and the cost of a reader is not measured.
Result<Fd> full_socket() {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int least = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(TRAFFIC_PORT);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return fail_errno("bind the sink");
    return fd;
}

// "Udp: InDatagrams NoPorts …" and the line of values below.
std::uint64_t full_drops(int snmp_fd) {
    std::string text(16384, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(pread(snmp_fd, text.data(), text.size(), 0), 0)));
    std::istringstream lines(text);
    std::string names, values;
    while (std::getline(lines, names) && std::getline(lines, values)) {
        if (!names.starts_with("Udp:")) continue;
        std::istringstream name_words(names), value_words(values);
        std::string name, value;
        while (name_words >> name && value_words >> value)
            if (name == "RcvbufErrors") return std::stoull(value);
    }
    return 0;
}

struct Sink {
    Counter arrived;
    std::vector<Attachment> attachments;
    std::vector<Fd> sockets;
    int program_fd = -1;  // where it is one
};

Result<Sink> open_sink(const std::string& kind, const std::string& device, const traffic_bpf& programs) {
    Sink sink;
    if (kind == "socket") {
        TRY(auto fd, full_socket());
        sink.sockets.push_back(std::move(fd));
        sink.sockets.emplace_back(open("/proc/thread-self/net/snmp", O_RDONLY | O_CLOEXEC));
        sink.arrived = [snmp = sink.sockets.back().get()] { return full_drops(snmp); };
        return sink;
    }
    TRY(const auto ifindex, ifindex_of(device));
    const bool xdp = kind == "xdp";
    const int fd = bpf_program__fd(xdp ? programs.progs.sink_xdp : programs.progs.sink_tc);
    TRY(auto attachment, xdp ? Attachment::xdp(fd, ifindex) : Attachment::tc(fd, ifindex));
    sink.attachments.push_back(std::move(attachment));
    sink.program_fd = fd;
    sink.arrived = [&slots = programs.bss->arrived] {
        std::uint64_t sum = 0;
        for (const auto& slot : slots) sum += slot.value;
        return sum;
    };
    return sink;
}

// One thread a CPU. The first error ends all.
class Senders {
public:
    Senders(const std::vector<unsigned>& cpus, const std::vector<std::unique_ptr<Source>>& sources)
        : running_(cpus.size()), sources_(sources) {
        for (std::size_t i = 0; i < cpus.size(); ++i)
            threads_.emplace_back([this, cpu = cpus[i], &source = *sources_[i]] { run(cpu, source); });
    }

    std::uint64_t sent() const {
        return std::accumulate(sources_.begin(), sources_.end(), std::uint64_t{0},
                               [](auto sum, const auto& source) { return sum + source->sent(); });
    }

    // A signal may come just before the call it should end: so it comes again.
    Result<> stop() {
        end_ = true;
        while (running_ > 0) {
            for (auto& thread : threads_) pthread_kill(thread.native_handle(), SIGUSR1);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        threads_.clear();
        if (failed_) return tl::make_unexpected(error_);
        return Ok{};
    }

private:
    void run(unsigned cpu, Source& source) {
        auto done = stay_on(cpu);
        while (done && !end_) done = source.burst();
        if (!done && !failed_.exchange(true)) {
            error_ = done.error();
            end_ = true;
        }
        --running_;
    }

    std::atomic<bool> end_ = false, failed_ = false;
    std::atomic<std::size_t> running_;
    Error error_;
    const std::vector<std::unique_ptr<Source>>& sources_;
    std::vector<std::jthread> threads_;
};

struct Reading {
    std::uint64_t sent, arrived;
    std::optional<std::uint64_t> instructions;
    Clock::time_point at;
};

// With kernel.bpf_stats_enabled, what a program costs there that does next to nothing.
bpf_prog_info statistics_of(const Sink& sink) {
    bpf_prog_info info{};
    __u32 bytes = sizeof info;
    if (sink.program_fd >= 0) bpf_obj_get_info_by_fd(sink.program_fd, &info, &bytes);
    return info;
}

void print(const Reading& from, const Reading& to, const Sink& sink) {
    std::printf("{\"seconds\": %.6f, \"sent\": %lu, \"arrived\": %lu, ", Seconds(to.at - from.at).count(),
                to.sent - from.sent, to.arrived - from.arrived);
    const auto own = statistics_of(sink);
    std::printf("\"sink_runs\": %llu, \"sink_ns\": %llu, \"instructions\": ", own.run_cnt, own.run_time_ns);
    if (from.instructions && to.instructions) {
        std::printf("%lu}\n", *to.instructions - *from.instructions);
    } else {
        std::puts("null}");
    }
}

std::vector<unsigned> read_cpus(const std::string& text) {
    std::vector<unsigned> cpus;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');)
        cpus.push_back(static_cast<unsigned>(std::strtoul(word.c_str(), nullptr, 10)));
    return cpus;
}

Result<> run(const std::vector<unsigned>& cpus, const std::vector<std::unique_ptr<Source>>& sources, const Sink& sink,
             Seconds time) {
    const Instructions instructions;
    Senders senders(cpus, sources);
    const auto read = [&] { return Reading{senders.sent(), sink.arrived(), instructions.read(), Clock::now()}; };
    std::this_thread::sleep_for(WARM_UP);  // the measured time itself, not a wait for a state
    const Reading before = read();
    std::this_thread::sleep_for(time);
    const Reading after = read();
    TRY_OK(senders.stop());
    print(before, after, sink);
    return Ok{};
}

}  // namespace

Result<> send(const Options& options) {
    TRY(const auto from, options.text("from"));
    TRY(const auto to, options.text("to"));
    TRY(const auto kind, options.text("kind"));
    TRY(const auto seconds, options.number("seconds"));
    TRY(const auto shape, read_shape(options));
    const auto cpus = read_cpus(options.text("cpus", "0"));
    TRY_OK(enter(from));
    TRY(const auto programs, load(options, shape));
    TRY_OK(enter(to));
    TRY(const auto sink, open_sink(options.text("sink", "tc"), shape.device, *programs));
    TRY_OK(enter(from));
    std::signal(SIGUSR1, [](int) {});  // interrupts, no more
    std::vector<std::unique_ptr<Source>> sources;
    for (const unsigned cpu : cpus) {
        TRY(auto source, open_source(kind, shape, *programs, cpu));
        sources.push_back(std::move(source));
    }
    return run(cpus, sources, sink, Seconds(seconds));
}

}  // namespace weft::bench
