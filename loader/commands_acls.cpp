// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules.
#include "object_commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

struct AclKind : KindDefaults {
    using Object = Acl;
    static constexpr const char* noun = "acl";
    static constexpr const char* section = "acls";
    static constexpr auto list = &Document::acls;
    static const std::string& name(const Acl& acl) { return acl.name; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "name"); }
    static json view(Engine& engine, const Acl& acl) { return acl_view(engine, acl); }

    // Who names them would be without rules, unasked.
    static Result<> may_go(Document& next, const std::string& name) {
        for (const Port& port : next.ports)
            if (port.acl == name) return fail(EBUSY, "acl " + name + " is that of port " + port.interface);
        for (const PortGroup& group : next.port_groups)
            if (group.acl == name) return fail(EBUSY, "acl " + name + " is that of port group " + group.name);
        for (const Segment& segment : next.segments)
            if (segment.acl == name) return fail(EBUSY, "acl " + name + " is that of segment " + segment.name);
        return Ok{};
    }
};

}  // namespace

Answer acl_list(Engine& engine, const Request& request) { return list_objects<AclKind>(engine, request); }
Answer acl_show(Engine& engine, const Request& request) { return show_object<AclKind>(engine, request); }
Answer acl_add(Engine& engine, const Request& request) { return add_object<AclKind>(engine, request); }
Answer acl_set(Engine& engine, const Request& request) { return set_object<AclKind>(engine, request); }
Answer acl_del(Engine& engine, const Request& request) { return del_object<AclKind>(engine, request); }

}  // namespace weft::commands
