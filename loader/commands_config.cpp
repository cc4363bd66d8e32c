// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft config show` and `weft config apply`.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

Result<std::optional<Owner>> owner_of(const json& arguments) {
    if (!arguments.contains("owner")) return std::optional<Owner>();
    TRY(const std::string text, text_of(arguments, "owner"));
    for (const Owner owner : {ORIGIN_CONFIG, ORIGIN_CLI})
        if (text == name(owner)) return std::optional<Owner>(owner);
    return fail(EINVAL, "owner is config or cli, not \"" + text + "\"");
}

// Rows of the CLI are in the tables only: in the document's form they stand beside the others.
Result<> add_cli_rows(Engine& engine, Document& document) {
    const Segments& segments = engine.parts().segments();
    const auto bridges = circuit_names(engine);
    TRY(const auto entries, engine.parts().entries().fdb().rows());
    for (const auto& [key, entry] : entries) {
        const SegmentState* segment = segments.find(key.segment);
        if (entry.origin != ORIGIN_CLI || !segment) continue;
        FdbRecord record{.segment = segment->name, .mac = Mac::of(key.mac), .owner = ORIGIN_CLI};
        if (const NextHopInfo* hop = engine.nexthops().info(nexthop_of(entry))) {
            record.remote = hop->remote;
            if (hop->network != segment->row.vni) record.vni = number_of(hop->network);
        } else if (entry.kind == FDB_CIRCUIT) {
            const auto name = bridges.find(entry.target);
            if (name == bridges.end()) continue;  // on its way out with its bridge
            record.bridge = name->second;
        } else if (const Interface* port = engine.parts().devices().find(entry.target)) {
            record.port = port->name;
        }
        document.fdb.push_back(std::move(record));
    }
    TRY(const auto neighbors, engine.parts().entries().neighbors().rows());
    for (const auto& [key, entry] : neighbors) {
        const SegmentState* segment = segments.find(key.segment);
        if (entry.origin != ORIGIN_CLI || !segment) continue;
        NeighborRecord record{segment->name, Ip::of(key.ip), Mac::of(entry.mac), {}, {}, ORIGIN_CLI};
        if (const NextHopInfo* hop = engine.nexthops().info(entry.nexthop)) {
            record.remote = hop->remote;
            if (hop->network != segment->row.vni) record.vni = number_of(hop->network);
        }
        document.neighbors.push_back(std::move(record));
    }
    return Ok{};
}

}  // namespace

Answer config_show(Engine& engine, const Request& request) {
    TRY(const auto owner, owner_of(request.arguments));
    Document document = engine.wanted();
    TRY_OK(add_cli_rows(engine, document));
    return to_json(document, owner).dump();
}

Answer config_apply(Engine& engine, const Request& request) {
    TRY(const std::string text, text_of(request.arguments, "document"));
    Parsed parsed = parse_config(text, engine.host());
    if (!parsed.complaints.empty()) return fail(EINVAL, weft::text(parsed.complaints));
    const bool dry_run = request.arguments.value("dry_run", false);
    const bool replace = request.arguments.value("replace", false);
    TRY(const Applied applied, engine.apply(std::move(parsed.document), dry_run, replace));
    return applied_text(applied);
}

}  // namespace weft::commands
