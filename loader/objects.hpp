// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Objects made by the CLI that are no table rows (uplinks, segments, ports, bridges, remotes …): how they join the
// configuration document, and the file they are kept in across restarts. Their FDB entries and neighbors are rows of
// pinned tables and need no file, but those of a port that is away.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config.hpp"
#include "model.hpp"
#include "result.hpp"
#include "waiting.hpp"

namespace weft {

// What `bridge set --role` said of a bridge, whoever owns it. It holds while the bridge is given the role it had then.
struct RoleChoice {
    std::string bridge;  // bridge_key()
    BridgeRole given, role;
    bool operator==(const RoleChoice&) const = default;
};
std::string bridge_key(const Bridge& bridge);  // "blue eth1:100"

struct CliObjects {
    Document document;  // uplinks, segments, switches, groups, ports, bridges, domains, acls of the CLI
    std::vector<std::pair<std::string, Ip>> remotes;  // (segment, address) that the CLI added to segments of the config
    std::vector<std::pair<std::string, Route>> routes;  // (routing domain, route), the same
    std::vector<WaitingEntry> waiting;                  // entries whose port is away
    std::vector<RoleChoice> roles;
    bool operator==(const CliObjects&) const = default;
};

// The CLI's part of everything there is.
CliObjects cli_part(const Document& all);

// The document with the CLI's objects beside it, complete; an object under a key of the document is the document's.
Document merged(Document config, const CliObjects& cli);
// The document without the CLI's objects, but with the roles it set.
Document with_roles(Document config, const CliObjects& cli);

// As merged(), but what does not fit the document is left out, each with a warning: at start a stale object of the CLI
// must not keep the daemon from coming up.
Document merged_leniently(Document config, const CliObjects& cli, std::vector<std::string>& warnings);

struct ObjectChange {
    std::string action;  // "add", "change", "delete"
    std::string object;  // "segment", "port", "fdb", …
    std::string name;
    bool operator==(const ObjectChange&) const = default;
};
std::vector<ObjectChange> difference(const Document& before, const Document& after);
nlohmann::json to_json(const std::vector<ObjectChange>& changes);

// A missing file is no object. Replaced by rename, so that a crash leaves the old or the new one.
Result<CliObjects> load_objects(const std::string& path);
Result<> save_objects(const std::string& path, const CliObjects& objects);

}  // namespace weft
