// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "acls.hpp"

#include <algorithm>

#include "config.hpp"

namespace weft {

namespace {

std::string list_name(const std::string& acl, RuleDirection direction) {
    return std::string(name(direction)) + " " + acl;
}

bool same(const ::acl& a, const ::acl& b) { return a.from_port == b.from_port && a.to_port == b.to_port; }

const std::string NONE;

}  // namespace

const std::string& acl_of(const Document& wanted, const Port& port) {
    if (!port.acl.empty()) return port.acl;
    const auto group = std::ranges::find(wanted.port_groups, port.port_group, &PortGroup::name);
    return port.port_group.empty() || group == wanted.port_groups.end() ? NONE : group->acl;
}

bool has_rules(const Document& wanted, const std::string& acl) {
    if (acl.empty()) return false;
    const auto found = std::ranges::find(wanted.acls, acl, &Acl::name);
    return found != wanted.acls.end() && !found->rules.empty();
}

bool is_guarded(const Document& wanted, const Port& port) {
    if (wanted.acls.empty()) return false;
    const auto segment = std::ranges::find(wanted.segments, port.segment, &Segment::name);
    return has_rules(wanted, acl_of(wanted, port)) ||
           (segment != wanted.segments.end() && has_rules(wanted, segment->acl));
}

Result<> Acls::adopt() {
    TRY(const auto rows, tables_->acls.rows());
    for (const auto& [key, value] : rows) rows_[key].value = value;
    return Ok{};
}

::acl Acls::lists_of(const Document& wanted, const std::string& name, Problems& problems) {
    const auto [at, fresh] = by_name_.try_emplace(name);
    const auto acl = std::ranges::find(wanted.acls, name, &Acl::name);
    if (!fresh || acl == wanted.acls.end()) return at->second;
    const auto row = [&](RuleDirection direction) {
        return lists_->want(list_name(name, direction), weft::lines_of(*acl, direction), acl->default_allow, problems);
    };
    at->second = {row(RuleDirection::FromPort), row(RuleDirection::ToPort)};
    return at->second;
}

void Acls::put(std::uint32_t key, const ::acl& value, const std::string& what, Problems& problems) {
    const auto [at, fresh] = rows_.try_emplace(key);
    at->second.wanted = true;
    if (!fresh && same(at->second.value, value)) return;
    if (!problems.check(tables_->acls.put(key, value), what)) {
        if (fresh) rows_.erase(at);
        return;
    }
    at->second.value = value;
    ++writes_;
}

void Acls::serve(const Document& wanted, const Links& links, const Segments& segments, Problems& problems) {
    by_name_.clear();
    for (auto& [key, row] : rows_) row.wanted = false;
    if (wanted.acls.empty()) return;
    for (const Segment& segment : wanted.segments) {
        const SegmentState* state = segments.find(segment.name);
        if (state && has_rules(wanted, segment.acl))
            put(ACL_SEGMENT | state->index, lists_of(wanted, segment.acl, problems),
                "access rules of segment " + segment.name, problems);
    }
    for (const Port& port : wanted.ports) {
        const Link* link = links.find(port.interface);
        const std::string& acl = acl_of(wanted, port);
        if (link && has_rules(wanted, acl))
            put(link->ifindex, lists_of(wanted, acl, problems), "access rules of port " + port.interface, problems);
    }
}

void Acls::sweep(Problems& problems) {
    std::erase_if(rows_, [&](const auto& entry) {
        if (entry.second.wanted) return false;
        ++writes_;
        return problems.check(tables_->acls.erase(entry.first), "sweep access rules");
    });
}

Result<std::vector<tally>> Acls::counters(const Acl& acl) const {
    std::vector<tally> out(acl.rules.size());
    for (const RuleDirection direction : {RuleDirection::FromPort, RuleDirection::ToPort}) {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < acl.rules.size(); ++i)
            if (acl.rules[i].direction == direction) places.push_back(i);
        TRY(const auto seen, lists_->counters(list_name(acl.name, direction), places.size()));
        for (std::size_t i = 0; i < places.size(); ++i) out[places[i]] = seen[i];
    }
    return out;
}

}  // namespace weft
