// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "resolver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "flood.hpp"

namespace weft {

namespace {

neighbor_key key_of(std::uint32_t segment, const Ip& ip) { return {segment, ip.raw()}; }

}  // namespace

Result<> Resolver::adopt() {
    TRY(const auto rows, tables_->neighbors.rows());
    for (const auto& [key, row] : rows)
        if (row.flags & NEIGHBOR_FAILED) TRY_OK(tables_->neighbors.erase(key));
    return Ok{};
}

bool Resolver::is_known(const Key& key) const {
    const auto row = tables_->neighbors.find(key_of(key.first, key.second));
    return row && *row && !((*row)->flags & NEIGHBOR_FAILED);
}

void Resolver::ask(const Key& key, Wait& wait) {
    ++wait.tries;
    wait.next_ns = context_.now_ns() + RETRY_NS;
    const auto asker = context_.asker(key.first, key.second);
    if (!asker) return;
    ++counters_.asked;
    const auto sent = context_.send(key.first, question_frame(*asker, key.second), 0);
    if (!sent) spdlog::debug("asking for {}: {}", key.second.text(), sent.error().what);
    if (wait.tries > 1) ask_as_host(key, *asker);
}

// An answer to the anycast MAC ends at the gateway of its own host. Another weft relays it; the kernel, as a gateway
// with the same MAC, keeps it. From nobody's address, so that no one's idea of where the gateway is changes (RFC 5227
// §2.1.1, RFC 4862 §5.4.2), the answer comes to this host's own MAC, or to all.
void Resolver::ask_as_host(const Key& key, const Asker& asker) {
    if (!asker.host) return;
    const auto& [segment, ip] = key;
    const auto frame = ip.is_v4() ? probe_frame(ip, *asker.host, {}) : solicitation_frame(ip, *asker.host, {});
    if (const auto sent = context_.send(segment, frame, 0); !sent)
        spdlog::debug("asking for {}: {}", ip.text(), sent.error().what);
}

// A guest with checksum offload leaves sums to be finished by a device, which a frame in our hands has passed.
void Resolver::handle(const event& event, std::span<const std::uint8_t> frame) {
    const Key key{event.toward, Ip::of(event.ip)};
    if (!waits_.contains(key) && waits_.size() >= MAX_WAITS) {
        ++counters_.frames_lost;
        return;
    }
    const auto [at, is_new] = waits_.try_emplace(key);
    Wait& wait = at->second;
    if (!frame.empty() && wait.frames.size() < HELD_FRAMES) {
        Held held{event, {frame.begin(), frame.end()}};
        finish_checksum(held.frame);
        wait.frames.push_back(std::move(held));
        ++counters_.frames_held;
    } else {
        ++counters_.frames_lost;
    }
    if (is_known(key)) return learned(key.first, key.second);
    if (is_new) ask(key, wait);
}

// With the asker's address and the gateway's MAC: whoever is asked answers to the gateway of its own host. Not by the
// asker's port, where its address with another's MAC would look like a duplicate.
void Resolver::ask_for(const event& event) {
    const Ip asker = Ip::of(event.source), target = Ip::of(event.ip);
    const auto gateway = context_.asker(event.segment, target);
    if (!gateway) return;
    ++counters_.asked;
    const auto sent = context_.send(event.segment, question_frame({gateway->mac, asker}, target), event.ifindex);
    if (!sent) spdlog::debug("asking for {}: {}", target.text(), sent.error().what);
}

void Resolver::send_on(Wait& wait) {
    for (const Held& held : wait.frames) {
        const auto sent = context_.send_on(held.about, held.frame);
        ++(sent ? counters_.frames_sent_on : counters_.frames_lost);
        if (!sent) spdlog::debug("a frame that waited: {}", sent.error().what);
    }
    wait.frames.clear();
}

void Resolver::learned(std::uint32_t segment, const Ip& ip) {
    failed_.erase({segment, ip});
    auto node = waits_.extract({segment, ip});
    if (!node) return;
    ++counters_.resolved;
    send_on(node.mapped());
}

void Resolver::probe(std::uint32_t segment, const Ip& ip, const Mac& mac) {
    const auto asker = context_.asker(segment, ip);
    if (!asker) return;
    ++counters_.asked;
    const auto sent = context_.send(segment, question_frame(*asker, ip, mac), 0);
    if (!sent) spdlog::debug("probing {}: {}", ip.text(), sent.error().what);
    ask_as_host({segment, ip}, *asker);
}

// The frames meet the row that says so, and become errors to those that sent them.
void Resolver::give_up(const Key& key, Wait& wait) {
    ++counters_.given_up;
    const neighbor row{.mac = {}, .origin = ORIGIN_DYNAMIC, .flags = NEIGHBOR_FAILED, .used_s = 0, .nexthop = 0};
    if (!tables_->neighbors.put(key_of(key.first, key.second), row, BPF_NOEXIST)) return;
    failed_[key] = context_.now_ns() + FAILED_NS;
    send_on(wait);
}

void Resolver::forget_failures(std::uint64_t now_ns) {
    std::erase_if(failed_, [&](const auto& entry) {
        if (now_ns < entry.second) return false;
        const neighbor_key key = key_of(entry.first.first, entry.first.second);
        const auto row = tables_->neighbors.find(key);
        if (row && *row && (*row)->flags & NEIGHBOR_FAILED) (void)tables_->neighbors.erase(key);
        return true;
    });
}

void Resolver::tick() {
    const std::uint64_t now_ns = context_.now_ns();
    std::vector<Key> known;
    for (auto at = waits_.begin(); at != waits_.end();) {
        auto& [key, wait] = *at;
        if (is_known(key)) {
            known.push_back(key);
        } else if (now_ns >= wait.next_ns && wait.tries >= TRIES) {
            give_up(key, wait);
            at = waits_.erase(at);
            continue;
        } else if (now_ns >= wait.next_ns) {
            ask(key, wait);
        }
        ++at;
    }
    for (const auto& [segment, ip] : known) learned(segment, ip);
    forget_failures(now_ns);
}

}  // namespace weft
