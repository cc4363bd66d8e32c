// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What access rules must satisfy: that what names them names some, that no two of the same priority say different
// things of one packet, and that the tables have room for them. Of policy routes the room alone; check_routing has the
// rest.
#include <algorithm>
#include <map>

#include "check.hpp"
#include "rule_keys.hpp"

namespace weft {

namespace {

const char* family(const Prefix& prefix) { return prefix.is_v4() ? "IPv4" : "IPv6"; }

class RulesCheck {
public:
    explicit RulesCheck(const Document& document) : document_(document) {
        for (std::size_t i = 0; i < document.acls.size(); ++i) names_.emplace(document.acls[i].name, i);
    }

    std::vector<Complaint> all() {
        for (std::size_t i = 0; i < document_.acls.size(); ++i) check_acl(i);
        for (std::size_t i = 0; i < document_.routing_domains.size(); ++i) check_policy_routes(i);
        check_room();
        check_names("segments", document_.segments, [](const Segment& one) { return "segment " + one.name; });
        check_names("port_groups", document_.port_groups,
                    [](const PortGroup& one) { return "port group " + one.name; });
        check_names("ports", document_.ports, [](const Port& one) { return "port " + one.interface; });
        return std::move(out_);
    }

private:
    void complain(std::string path, std::string what) { out_.push_back({std::move(path), std::move(what)}); }

    template <typename T, typename Whose>
    void check_names(const char* section, const std::vector<T>& list, Whose&& whose) {
        for (std::size_t i = 0; i < list.size(); ++i)
            if (!list[i].acl.empty() && !names_.contains(list[i].acl))
                complain(path_of(section, i, "/acl"),
                         "there are no access rules " + list[i].acl + of_cli(list[i].owner, whose(list[i])));
    }

    void check_acl(std::size_t index) {
        const Acl& acl = document_.acls[index];
        const std::string path = path_of("acls", index), whose = of_cli(acl.owner, "acl " + acl.name);
        if (!acl.name.empty() && names_.at(acl.name) != index) complain(path + "/name", acl.name + " is given twice");
        for (std::size_t i = 0; i < acl.rules.size(); ++i) {
            const std::string here = path + "/rules/" + std::to_string(i);
            check_match(acl.rules[i].match, here, out_);
            if (acl.rules[i].stateful && !acl.rules[i].allow)
                complain(here + "/stateful", "goes with action allow only" + whose);
        }
        for (const RuleDirection direction : {RuleDirection::FromPort, RuleDirection::ToPort}) {
            check_contradictions(acl, direction, path + "/rules/", whose);
            count(lines_of(acl, direction), path + "/rules", name(direction), whose);
        }
    }

    // Of one priority; where they stand in the list would decide, which nobody can have meant.
    void check_contradictions(const Acl& acl, RuleDirection direction, const std::string& path,
                              const std::string& whose) {
        std::map<std::uint16_t, std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> by_priority;
        for (std::size_t i = 0; i < acl.rules.size(); ++i) {
            const AclRule& rule = acl.rules[i];
            auto& [allow, deny] = by_priority[rule.priority];
            if (rule.direction == direction) (rule.allow ? allow : deny).push_back(i);
        }
        for (const auto& [priority, rules] : by_priority)
            for (const std::size_t a : rules.first)
                for (const std::size_t b : rules.second)
                    if (overlap(acl.rules[a].match, acl.rules[b].match)) {
                        complain(path + std::to_string(std::max(a, b)),
                                 "contradicts rule " + std::to_string(std::min(a, b)) + ": both have priority " +
                                     std::to_string(priority) + ", and a packet can match both" + whose);
                        return;  // the next ones are like it
                    }
    }

    // Of one list.
    void count(const std::vector<RuleLine>& lines, const std::string& path, const std::string& which,
               const std::string& whose) {
        const RuleKeys keys = keys_of(lines);
        if (!keys.too_much.empty()) complain(path, "those of " + which + " " + keys.too_much + whose);
        rules_ += lines.size();
        keys_ += keys.keys.size();
        lists_ += lines.empty() ? 0 : 1;
    }

    void check_policy_routes(std::size_t index) {
        const RoutingDomain& domain = document_.routing_domains[index];
        std::vector<RuleLine> lines;
        for (std::size_t i = 0; i < domain.policy_routes.size(); ++i)
            lines.push_back(
                {rank_of(domain.policy_routes[i].priority, i), domain.policy_routes[i].match, RULE_PATH, 0, 0});
        count(lines, path_of("routing_domains", index, "/policy_routes"), "the domain",
              of_cli(domain.owner, "routing domain " + domain.name));
    }

    void check_room() {
        const auto refuse = [&](std::size_t count, std::size_t room, const char* what) {
            if (count > room)
                complain("/acls", std::to_string(count) + " " + what +
                                      " with those of policy routes, a host has room for " + std::to_string(room));
        };
        refuse(lists_, MAX_RULE_LISTS - 1, "lists of rules (one a direction)");
        refuse(rules_, MAX_RULES - 1, "rules");
        refuse(keys_, MAX_RULE_KEYS, "keys of rules (port ranges are made up of prefixes)");
    }

    const Document& document_;
    std::vector<Complaint> out_;
    std::unordered_map<std::string_view, std::size_t> names_;  // of acls -> index of the first
    std::size_t lists_ = 0, rules_ = 0, keys_ = 0;
};

}  // namespace

void check_match(const FlowMatch& match, const std::string& path, std::vector<Complaint>& out) {
    const auto complain = [&](const char* key, std::string what) { out.push_back({path + key, std::move(what)}); };
    const std::optional<Prefix>& prefix = match.destination ? match.destination : match.source;
    if (match.source && prefix->is_v4() != match.source->is_v4())
        complain("/source", match.source->text() + " is " + family(*match.source) + ", the destination " +
                                prefix->text() + " is " + family(*prefix));
    const std::string protocol = match.protocol ? protocol_name(*match.protocol) : "";
    if (prefix && protocol == (prefix->is_v4() ? "icmpv6" : "icmp"))
        complain("/protocol", "is " + protocol + ", but " + prefix->text() + " is " + family(*prefix));
    if (protocol == "tcp" || protocol == "udp" || protocol == "sctp") return;
    if (match.source_ports) complain("/source_ports", "goes with protocol tcp, udp or sctp only");
    if (match.destination_ports) complain("/destination_ports", "goes with protocol tcp, udp or sctp only");
}

std::vector<Complaint> check_rules(const Document& document) { return RulesCheck(document).all(); }

}  // namespace weft
