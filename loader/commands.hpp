// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the control socket is asked (maps/protocol.hpp) and answered. respond() is the edge where JSON exceptions stop;
// the handlers, one per command, are in commands_*.cpp.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine.hpp"
#include "result.hpp"
#include "row.hpp"
#include "stream.hpp"

namespace weft {

// A request line to its reply. Never throws.
Reply respond(Engine& engine, std::string_view line);

namespace commands {

// The result as JSON text: a list of a million entries is written as text, not as a tree.
using Answer = Result<std::string>;

struct Request {
    const nlohmann::json& arguments;  // an object
    // Rows as text; null: the arguments are the only one.
    const std::vector<std::string_view>* batch;
    std::uint64_t first_line;
};

Answer status(Engine& engine, const Request& request);
Answer check(Engine& engine, const Request& request);
Answer stats(Engine& engine, const Request& request);
Answer config_show(Engine& engine, const Request& request);
Answer config_apply(Engine& engine, const Request& request);

Answer segment_list(Engine& engine, const Request& request);
Answer segment_show(Engine& engine, const Request& request);
Answer segment_add(Engine& engine, const Request& request);
Answer segment_set(Engine& engine, const Request& request);
Answer segment_del(Engine& engine, const Request& request);
Answer port_list(Engine& engine, const Request& request);
Answer port_show(Engine& engine, const Request& request);
Answer port_add(Engine& engine, const Request& request);
Answer port_set(Engine& engine, const Request& request);
Answer port_del(Engine& engine, const Request& request);
Answer uplink_list(Engine& engine, const Request& request);
Answer uplink_show(Engine& engine, const Request& request);
Answer uplink_add(Engine& engine, const Request& request);
Answer uplink_set(Engine& engine, const Request& request);
Answer uplink_del(Engine& engine, const Request& request);
Answer bridge_list(Engine& engine, const Request& request);
Answer bridge_add(Engine& engine, const Request& request);
Answer bridge_set(Engine& engine, const Request& request);
Answer bridge_del(Engine& engine, const Request& request);
Answer switch_list(Engine& engine, const Request& request);
Answer switch_show(Engine& engine, const Request& request);
Answer switch_add(Engine& engine, const Request& request);
Answer switch_set(Engine& engine, const Request& request);
Answer switch_del(Engine& engine, const Request& request);
Answer port_group_list(Engine& engine, const Request& request);
Answer port_group_show(Engine& engine, const Request& request);
Answer port_group_add(Engine& engine, const Request& request);
Answer port_group_set(Engine& engine, const Request& request);
Answer port_group_del(Engine& engine, const Request& request);
Answer remote_list(Engine& engine, const Request& request);
Answer remote_add(Engine& engine, const Request& request);
Answer remote_del(Engine& engine, const Request& request);
Answer routing_domain_list(Engine& engine, const Request& request);
Answer routing_domain_show(Engine& engine, const Request& request);
Answer routing_domain_add(Engine& engine, const Request& request);
Answer routing_domain_set(Engine& engine, const Request& request);
Answer routing_domain_del(Engine& engine, const Request& request);
Answer route_list(Engine& engine, const Request& request);
Answer route_show(Engine& engine, const Request& request);
Answer route_add(Engine& engine, const Request& request);
Answer route_set(Engine& engine, const Request& request);
Answer route_del(Engine& engine, const Request& request);
Answer acl_list(Engine& engine, const Request& request);
Answer acl_show(Engine& engine, const Request& request);
Answer acl_add(Engine& engine, const Request& request);
Answer acl_set(Engine& engine, const Request& request);
Answer acl_del(Engine& engine, const Request& request);

Answer fdb_list(Engine& engine, const Request& request);
Answer fdb_add(Engine& engine, const Request& request);
Answer fdb_set(Engine& engine, const Request& request);
Answer fdb_del(Engine& engine, const Request& request);
Answer fdb_flush(Engine& engine, const Request& request);
Answer neighbor_list(Engine& engine, const Request& request);
Answer neighbor_add(Engine& engine, const Request& request);
Answer neighbor_set(Engine& engine, const Request& request);
Answer neighbor_del(Engine& engine, const Request& request);
Answer neighbor_flush(Engine& engine, const Request& request);
Answer record_list(Engine& engine, const Request& request);
Answer record_add(Engine& engine, const Request& request);
Answer record_set(Engine& engine, const Request& request);
Answer record_del(Engine& engine, const Request& request);
Answer record_flush(Engine& engine, const Request& request);

// What becomes of the client that gave the command.
using Begin = Result<decltype(Reply::begin)>;
Begin monitor_records(Engine& engine, const Request& request);

// Is there a handler for the command ("fdb add")?
bool knows(std::string_view command);

// --- shared by the handlers
Result<std::string> text_of(const nlohmann::json& arguments, const char* key);  // EINVAL if absent or no string
Result<const SegmentState*> segment_of(Engine& engine, const nlohmann::json& arguments);  // by "segment"
std::string applied_text(const Applied& applied);
// Every row of a batch by `one`, errors by line; without a batch the arguments alone, whose error is the answer.
Answer each_row(const Request& request, const std::function<Result<>(const EntryRow& row)>& one);

}  // namespace commands
}  // namespace weft
