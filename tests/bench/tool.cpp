// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "tool.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

namespace weft::bench {

namespace {

constexpr auto TCX_INGRESS = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS, which libbpf 1.1 does not know

Fd count_instructions(int cpu) {
    perf_event_attr wanted{};
    wanted.size = sizeof wanted;
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
    wanted.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return Fd(static_cast<int>(syscall(SYS_perf_event_open, &wanted, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

Result<Options> Options::parse(int count, char** words) {
    Options options;
    for (int i = 0; i < count; ++i) {
        const std::string word = words[i];
        const auto middle = word.find('=');
        if (middle == std::string::npos) return fail(EINVAL, word + " is not key=value");
        options.values_[word.substr(0, middle)] = word.substr(middle + 1);
    }
    return options;
}

Result<std::string> Options::text(const std::string& key) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return fail(EINVAL, key + "=… is missing");
    return at->second;
}

Result<double> Options::number(const std::string& key) const {
    TRY(const auto value, text(key));
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || number < 0) return fail(EINVAL, key + "=" + value + " is not a number");
    return number;
}

std::string Options::text(const std::string& key, const std::string& otherwise) const {
    return text(key).value_or(otherwise);
}

double Options::number(const std::string& key, double otherwise) const { return number(key).value_or(otherwise); }

Result<> enter(const std::string& path) {
    const Fd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns || setns(netns.get(), CLONE_NEWNET) != 0) return fail_errno("enter " + path);
    return Ok{};
}

Result<> stay_on(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return fail_errno("stay on CPU " + std::to_string(cpu));
    return Ok{};
}

Result<std::uint32_t> ifindex_of(const std::string& interface) {
    const auto ifindex = if_nametoindex(interface.c_str());
    if (!ifindex) return fail_errno("find " + interface);
    return ifindex;
}

Result<Attachment> Attachment::xdp(int program_fd, std::uint32_t ifindex) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex), BPF_XDP, &options));
    if (!link) return fail_errno("attach XDP");
    return Attachment(std::move(link), 0);
}

Result<Attachment> Attachment::tc(int program_fd, std::uint32_t ifindex) {
    Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex), TCX_INGRESS, nullptr));
    if (link) return Attachment(std::move(link), 0);
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex), .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd);
    const int made = bpf_tc_hook_create(&hook);
    if (const int error = bpf_tc_attach(&hook, &options); error != 0) return fail_errno("attach TC", -error);
    return Attachment(Fd(), made == 0 ? ifindex : 0);
}

Attachment::Attachment(Attachment&& other) noexcept
    : link_(std::move(other.link_)), clsact_(std::exchange(other.clsact_, 0)) {}

Attachment::~Attachment() {
    if (!clsact_) return;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(clsact_));
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);  // both: the qdisc itself
    bpf_tc_hook_destroy(&hook);
}

Instructions::Instructions() {
    const auto cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (int cpu = 0; cpu < cpus; ++cpu) {
        counters_.push_back(count_instructions(cpu));
        if (!counters_.back()) return;
    }
    complete_ = true;
}

std::optional<std::uint64_t> Instructions::read() const {
    std::uint64_t sum = 0;
    for (const Fd& counter : counters_) {
        struct {
            std::uint64_t value, enabled_ns, running_ns;
        } now{};
        if (!complete_ || ::read(counter.get(), &now, sizeof now) != sizeof now || !now.running_ns) return std::nullopt;
        sum += static_cast<std::uint64_t>(static_cast<double>(now.value) * static_cast<double>(now.enabled_ns) /
                                          static_cast<double>(now.running_ns));
    }
    return sum;
}

}  // namespace weft::bench
