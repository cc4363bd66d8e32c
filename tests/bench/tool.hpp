// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What every command of bench_tool uses: its options, namespaces, CPUs, attachments that end with the process, and the
// processors' instruction counters. Each command prints one line of JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "map.hpp"
#include "net.hpp"
#include "result.hpp"

namespace weft::bench {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

inline double since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

// key=value words.
class Options {
public:
    static Result<Options> parse(int count, char** words);
    Result<std::string> text(const std::string& key) const;
    Result<double> number(const std::string& key) const;
    std::string text(const std::string& key, const std::string& otherwise) const;
    double number(const std::string& key, double otherwise) const;
    // A Mac or an Ip.
    template <typename T>
    Result<T> value(const std::string& key) const {
        TRY(const auto word, text(key));
        const auto parsed = T::parse(word);
        if (!parsed) return fail(EINVAL, key + "=" + word + " is none");
        return *parsed;
    }

private:
    std::map<std::string, std::string> values_;
};

// Sockets and attachments that are made from now on belong to the namespace at `path`.
Result<> enter(const std::string& path);
Result<> stay_on(unsigned cpu);
Result<std::uint32_t> ifindex_of(const std::string& interface);

// A program on an interface's way in, native XDP or TC (TCX, before Linux 6.6 clsact). Gone with the object.
class Attachment {
public:
    static Result<Attachment> xdp(int program_fd, std::uint32_t ifindex);
    static Result<Attachment> tc(int program_fd, std::uint32_t ifindex);
    Attachment(Attachment&& other) noexcept;
    ~Attachment();

private:
    Attachment(Fd link, std::uint32_t clsact) : link_(std::move(link)), clsact_(clsact) {}
    Fd link_;
    std::uint32_t clsact_ = 0;  // interface whose qdisc is ours
};

// Instructions of all CPUs, kernel and user. None where the machine (a virtual one, mostly) does not count them.
class Instructions {
public:
    Instructions();
    std::optional<std::uint64_t> read() const;

private:
    std::vector<Fd> counters_;
    bool complete_ = false;
};

// The commands, by name in main.cpp.
Result<> send(const Options& options);
Result<> stream(const Options& options);
Result<> ping_pong(const Options& options);
Result<> forward(const Options& options);
Result<> fill(const Options& options);
Result<> storm(const Options& options);
Result<> clear(const Options& options);
Result<> programs(const Options& options);
Result<> cost(const Options& options);

}  // namespace weft::bench
