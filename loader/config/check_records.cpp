// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What tenant records may not say: nothing of a segment that is not there, nothing that another record, a static entry
// or a static neighbor says otherwise. There may be a hundred thousand, so each is looked at once.
#include <unordered_map>

#include "check.hpp"
#include "records.hpp"

namespace weft {

namespace {

// (segment or VSID, address); Key is Ip or Mac.
template <typename Scope, typename Key>
struct ScopedHash {
    std::size_t operator()(const std::pair<Scope, Key>& at) const {
        return std::hash<Scope>{}(at.first) * 0x9e3779b97f4a7c15u ^ std::hash<Key>{}(at.second);
    }
};
template <typename Scope, typename Key>
using Seen = std::unordered_map<std::pair<Scope, Key>, std::size_t, ScopedHash<Scope, Key>>;

class Check {
public:
    explicit Check(const Document& document) : document_(document), segments_(segments_by_vsid(document)) {
        for (std::size_t i = 0; i < document.fdb.size(); ++i)
            entries_.emplace(std::pair(std::string_view(document.fdb[i].segment), document.fdb[i].mac), i);
        for (std::size_t i = 0; i < document.neighbors.size(); ++i)
            neighbors_.emplace(std::pair(std::string_view(document.neighbors[i].segment), document.neighbors[i].ip), i);
    }

    std::vector<Complaint> all() {
        for (std::size_t i = 0; i < document_.records.size(); ++i) one(i);
        return std::move(out_);
    }

private:
    void complain(std::size_t i, std::string_view key, std::string what) {
        out_.push_back({path_of("records", i, key), std::move(what)});
    }

    void one(std::size_t i) {
        const TenantRecord& record = document_.records[i];
        if (const auto wrong = wrong_host_mac(record.mac); !wrong.empty()) complain(i, "/mac", wrong);
        const bool here = document_.vtep && record.pa == document_.vtep->address;
        if (const auto wrong = here ? "" : wrong_remote(document_, record.pa); !wrong.empty())
            complain(i, "/pa", wrong);
        const auto segment = segments_.find(record.vsid);
        if (record.vsid == 0) return;  // its form is wrong
        if (segment == segments_.end())
            return complain(i, "/vsid", "there is no segment of number " + std::to_string(record.vsid));
        beside_gateway(i, *segment->second);
        beside_records(i);
        beside_entries(i, *segment->second, here);
    }

    void beside_gateway(std::size_t i, const Segment& segment) {
        const TenantRecord& record = document_.records[i];
        if (segment.gateway.addresses.empty()) return;
        if (segment.gateway.mac == record.mac)
            complain(i, "/mac", record.mac.text() + " is the gateway's of segment " + segment.name);
        for (const Prefix& address : segment.gateway.addresses)
            if (address.address == record.ca)
                complain(i, "/ca", record.ca.text() + " is the gateway of segment " + segment.name);
    }

    // The very same record twice harms nobody: tables of several sources are put together so.
    void beside_records(std::size_t i) {
        const TenantRecord& record = document_.records[i];
        const auto [owner, first_of_ca] = by_ca_.emplace(std::pair(record.vsid, record.ca), i);
        const TenantRecord& known = document_.records[owner->second];
        if (!first_of_ca && (known.mac != record.mac || known.pa != record.pa))
            return complain(i, "",
                            record.ca.text() + " has " + known.mac.text() + " at " + known.pa.text() + " by " +
                                path_of("records", owner->second));
        const auto [home, first_of_mac] = by_mac_.emplace(std::pair(record.vsid, record.mac), i);
        const TenantRecord& other = document_.records[home->second];
        if (!first_of_mac && other.pa != record.pa)
            complain(i, "/pa",
                     record.mac.text() + " is at " + other.pa.text() + " by " + path_of("records", home->second));
    }

    void beside_entries(std::size_t i, const Segment& segment, bool here) {
        const TenantRecord& record = document_.records[i];
        const std::string_view name = segment.name;
        if (const auto at = neighbors_.find({name, record.ca}); at != neighbors_.end()) {
            const NeighborRecord& known = document_.neighbors[at->second];
            if (known.mac != record.mac || (known.remote && *known.remote != record.pa))
                complain(i, "/ca", record.ca.text() + " is another's by " + path_of("neighbors", at->second));
        }
        if (const auto at = entries_.find({name, record.mac}); at != entries_.end()) {
            const FdbRecord& known = document_.fdb[at->second];
            if (known.remote ? *known.remote != record.pa : !here)
                complain(i, "/mac", record.mac.text() + " is elsewhere by " + path_of("fdb", at->second));
        }
    }

    const Document& document_;
    const SegmentsByVsid segments_;
    Seen<std::string_view, Mac> entries_;  // of fdb
    Seen<std::string_view, Ip> neighbors_;
    Seen<std::uint32_t, Ip> by_ca_;
    Seen<std::uint32_t, Mac> by_mac_;
    std::vector<Complaint> out_;
};

}  // namespace

std::vector<Complaint> check_records(const Document& document) {
    if (document.records.empty()) return {};
    return Check(document).all();
}

}  // namespace weft
