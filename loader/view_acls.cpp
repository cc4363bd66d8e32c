// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules as lists and `show` give them: each rule with what it decided, and who obeys them.
#include <nlohmann/json.hpp>

#include "view.hpp"

namespace weft {

using nlohmann::json;

namespace {

template <typename T, typename Name>
json named_by(const std::vector<T>& list, const Acl& acl, Name&& name_of) {
    json out = json::array();
    for (const T& one : list)
        if (one.acl == acl.name) out.push_back(name_of(one));
    return out;
}

}  // namespace

json acl_view(Engine& engine, const Acl& acl) {
    const Document& wanted = engine.wanted();
    json out = to_json(acl);
    const auto seen = engine.parts().acls().counters(acl);
    for (std::size_t i = 0; i < acl.rules.size() && seen; ++i) {
        out["rules"][i]["packets"] = (*seen)[i].packets;
        out["rules"][i]["bytes"] = (*seen)[i].bytes;
    }
    out["ports"] = named_by(wanted.ports, acl, [](const Port& one) { return one.interface; });
    out["port_groups"] = named_by(wanted.port_groups, acl, [](const PortGroup& one) { return one.name; });
    out["segments"] = named_by(wanted.segments, acl, [](const Segment& one) { return one.name; });
    out["owner"] = name(acl.owner);
    return out;
}

}  // namespace weft
