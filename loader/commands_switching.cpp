// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Bridges, switches and port groups.
#include "object_commands.hpp"
#include "objects.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

struct BridgeKind : KindDefaults {
    using Object = Bridge;
    static constexpr const char* noun = "bridge";
    static constexpr const char* section = "bridges";
    static constexpr auto list = &Document::bridges;
    static std::string name(const Bridge& bridge) { return bridge_key(bridge); }
    static json view(Engine& engine, const Bridge& bridge) { return bridge_view(engine, bridge); }

    static Result<std::string> named(const json& arguments) {
        Bridge key;
        TRY(key.segment, text_of(arguments, "segment"));
        TRY(key.interface, text_of(arguments, "interface"));
        const auto vlan = arguments.find("vlan");
        if (vlan == arguments.end()) return fail(EINVAL, "vlan is missing");
        if (!vlan->is_number_unsigned() || *vlan < 1u || *vlan > 4094u) return fail(EINVAL, "vlan is not 1 to 4094");
        key.vlan = vlan->get<std::uint16_t>();
        return name(key);
    }

    // `set --role` speaks over the role that the document (or `add`) gave, which is what config show goes on to say.
    static void keep(Bridge& now, const Bridge& old, const json& given) {
        const BridgeRole wanted = now.role;
        now.role = old.role;
        now.set_role = old.set_role;
        if (!given.contains("role")) return;
        now.set_role.reset();
        if (wanted != old.role) now.set_role = wanted;
    }

    static Result<> may_go(Document& next, const std::string& name) {
        std::erase_if(next.fdb, [&](const FdbRecord& record) {
            return record.bridge && record.segment + " " + *record.bridge == name;
        });
        return Ok{};
    }
};

struct SwitchKind : KindDefaults {
    using Object = Switch;
    static constexpr const char* noun = "switch";
    static constexpr const char* section = "switches";
    static constexpr auto list = &Document::switches;
    static const std::string& name(const Switch& one) { return one.name; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "name"); }
    static json view(Engine& engine, const Switch& one) { return switch_view(engine, one); }

    static Result<> may_go(Document& next, const std::string& name) {
        for (const PortGroup& group : next.port_groups)
            if (group.switch_name == name) return fail(EBUSY, "switch " + name + " has port group " + group.name);
        return Ok{};
    }
};

struct PortGroupKind : KindDefaults {
    using Object = PortGroup;
    static constexpr const char* noun = "port group";
    static constexpr const char* section = "port_groups";
    static constexpr auto list = &Document::port_groups;
    static const std::string& name(const PortGroup& group) { return group.name; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "name"); }
    static json view(Engine& engine, const PortGroup& group) { return port_group_view(engine, group); }

    static Result<> may_go(Document& next, const std::string& name) {
        for (const Port& port : next.ports)
            if (port.port_group == name) return fail(EBUSY, "port group " + name + " has port " + port.interface);
        return Ok{};
    }
};

}  // namespace

Answer bridge_list(Engine& engine, const Request& request) { return list_objects<BridgeKind>(engine, request); }
Answer bridge_add(Engine& engine, const Request& request) { return add_object<BridgeKind>(engine, request); }
Answer bridge_set(Engine& engine, const Request& request) { return set_object<BridgeKind>(engine, request); }
Answer bridge_del(Engine& engine, const Request& request) { return del_object<BridgeKind>(engine, request); }
Answer switch_list(Engine& engine, const Request& request) { return list_objects<SwitchKind>(engine, request); }
Answer switch_show(Engine& engine, const Request& request) { return show_object<SwitchKind>(engine, request); }
Answer switch_add(Engine& engine, const Request& request) { return add_object<SwitchKind>(engine, request); }
Answer switch_set(Engine& engine, const Request& request) { return set_object<SwitchKind>(engine, request); }
Answer switch_del(Engine& engine, const Request& request) { return del_object<SwitchKind>(engine, request); }
Answer port_group_list(Engine& engine, const Request& request) { return list_objects<PortGroupKind>(engine, request); }
Answer port_group_show(Engine& engine, const Request& request) { return show_object<PortGroupKind>(engine, request); }
Answer port_group_add(Engine& engine, const Request& request) { return add_object<PortGroupKind>(engine, request); }
Answer port_group_set(Engine& engine, const Request& request) { return set_object<PortGroupKind>(engine, request); }
Answer port_group_del(Engine& engine, const Request& request) { return del_object<PortGroupKind>(engine, request); }

}  // namespace weft::commands
