// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "commands.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "request.hpp"

namespace weft {

using nlohmann::json;

namespace commands {

namespace {

using Handler = Answer (*)(Engine&, const Request&);

const std::map<std::string_view, Handler>& handlers() {
    static const std::map<std::string_view, Handler> table{
        {"status", status},
        {"check", check},
        {"stats", stats},
        {"config show", config_show},
        {"config apply", config_apply},
        {"segment list", segment_list},
        {"segment show", segment_show},
        {"segment add", segment_add},
        {"segment set", segment_set},
        {"segment del", segment_del},
        {"port list", port_list},
        {"port show", port_show},
        {"port add", port_add},
        {"port set", port_set},
        {"port del", port_del},
        {"uplink list", uplink_list},
        {"uplink show", uplink_show},
        {"uplink add", uplink_add},
        {"uplink set", uplink_set},
        {"uplink del", uplink_del},
        {"bridge list", bridge_list},
        {"bridge add", bridge_add},
        {"bridge set", bridge_set},
        {"bridge del", bridge_del},
        {"switch list", switch_list},
        {"switch show", switch_show},
        {"switch add", switch_add},
        {"switch set", switch_set},
        {"switch del", switch_del},
        {"port-group list", port_group_list},
        {"port-group show", port_group_show},
        {"port-group add", port_group_add},
        {"port-group set", port_group_set},
        {"port-group del", port_group_del},
        {"remote list", remote_list},
        {"remote add", remote_add},
        {"remote del", remote_del},
        {"routing-domain list", routing_domain_list},
        {"routing-domain show", routing_domain_show},
        {"routing-domain add", routing_domain_add},
        {"routing-domain set", routing_domain_set},
        {"routing-domain del", routing_domain_del},
        {"route list", route_list},
        {"route show", route_show},
        {"route add", route_add},
        {"route set", route_set},
        {"route del", route_del},
        {"acl list", acl_list},
        {"acl show", acl_show},
        {"acl add", acl_add},
        {"acl set", acl_set},
        {"acl del", acl_del},
        {"fdb list", fdb_list},
        {"fdb add", fdb_add},
        {"fdb set", fdb_set},
        {"fdb del", fdb_del},
        {"fdb flush", fdb_flush},
        {"neighbor list", neighbor_list},
        {"neighbor add", neighbor_add},
        {"neighbor set", neighbor_set},
        {"neighbor del", neighbor_del},
        {"neighbor flush", neighbor_flush},
        {"record list", record_list},
        {"record add", record_add},
        {"record set", record_set},
        {"record del", record_del},
        {"record flush", record_flush},
    };
    return table;
}

const std::map<std::string_view, Begin (*)(Engine&, const Request&)>& streams() {
    static const std::map<std::string_view, Begin (*)(Engine&, const Request&)> table{
        {"monitor records", monitor_records},
    };
    return table;
}

Result<Reply> dispatch(Engine& engine, std::string_view line) {
    TRY(const ControlRequest read, read_request(line));
    const Request request{read.arguments, read.batch ? &*read.batch : nullptr, read.first_line};
    const std::string command = name(*read.command);
    if (const auto stream = streams().find(command); stream != streams().end()) {
        TRY(auto begin, stream->second(engine, request));
        return Reply{R"({"ok":true,"result":null})", std::move(begin)};
    }
    const auto found = handlers().find(command);
    if (found == handlers().end()) return fail(EINVAL, command + " is not for the daemon");
    TRY(const std::string result, found->second(engine, request));
    return Reply{R"({"ok":true,"result":)" + result + "}"};
}

std::string refusal(const std::string& what) {
    // Text of a client comes back in errors: what is no UTF-8 in it must not throw here.
    return json{{"ok", false}, {"error", what}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

bool knows(std::string_view command) { return handlers().contains(command) || streams().contains(command); }

Result<std::string> text_of(const json& arguments, const char* key) {
    const auto found = arguments.find(key);
    if (found == arguments.end()) return fail(EINVAL, std::string(key) + " is missing");
    if (!found->is_string()) return fail(EINVAL, std::string(key) + " is no string");
    return found->get<std::string>();
}

Result<const SegmentState*> segment_of(Engine& engine, const json& arguments) {
    TRY(const std::string name, text_of(arguments, "segment"));
    const SegmentState* state = engine.parts().segments().find(name);
    if (!state) return fail(ENOENT, "no segment " + name);
    return state;
}

std::string applied_text(const Applied& applied) {
    return json{{"changes", to_json(applied.changes)},
                {"problems", applied.problems.reasons},
                {"warnings", applied.problems.warnings}}
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

Answer each_row(const Request& request, const std::function<Result<>(const EntryRow&)>& one) {
    if (!request.batch) {
        TRY(const EntryRow row, entry_row(request.arguments));
        TRY_OK(one(row));
        return "null";
    }
    RowReader reader(request.arguments);
    const auto take = [&](std::string_view text) -> Result<> {
        TRY(const EntryRow row, reader.read(text));
        return one(row);
    };
    json errors = json::array();
    std::uint64_t line = request.first_line, done = 0;
    for (const std::string_view text : *request.batch) {
        if (const auto result = take(text))
            ++done;
        else
            errors.push_back({{"line", line}, {"error", result.error().what}});
        ++line;
    }
    return json{{"done", done}, {"errors", errors}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace commands

Reply respond(Engine& engine, std::string_view line) {
    try {
        auto reply = commands::dispatch(engine, line);
        return reply ? std::move(*reply) : Reply{commands::refusal(reply.error().what)};
    } catch (const json::exception& error) {
        return {commands::refusal(std::string("bad request: ") + error.what())};
    }
}

}  // namespace weft
