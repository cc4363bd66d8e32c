// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Segments, ports, uplinks and remotes.
#include "object_commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

struct SegmentKind : KindDefaults {
    using Object = Segment;
    static constexpr const char* noun = "segment";
    static constexpr const char* section = "segments";
    static constexpr auto list = &Document::segments;
    static const std::string& name(const Segment& segment) { return segment.name; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "name"); }
    static json view(Engine& engine, const Segment& segment) { return segment_view(engine, segment); }

    static void keep(Segment& now, const Segment& old, const json&) {
        for (Remote& remote : now.remotes) {
            const auto same = std::find_if(old.remotes.begin(), old.remotes.end(),
                                           [&](const Remote& r) { return r.address == remote.address; });
            remote.owner = same == old.remotes.end() ? ORIGIN_CLI : same->owner;
        }
    }

    // Its entries go with it; its ports must go first, for a guest would lose its network unasked.
    static Result<> may_go(Document& next, const std::string& name) {
        for (const Port& port : next.ports)
            if (port.segment == name) return fail(EBUSY, "segment " + name + " has port " + port.interface);
        for (const PortGroup& group : next.port_groups)
            if (group.segment == name) return fail(EBUSY, "segment " + name + " has port group " + group.name);
        for (const Bridge& bridge : next.bridges)
            if (bridge.segment == name)
                return fail(EBUSY,
                            "segment " + name + " has bridge " + BridgeName{bridge.interface, bridge.vlan}.text());
        std::erase_if(next.fdb, [&](const FdbRecord& record) { return record.segment == name; });
        std::erase_if(next.neighbors, [&](const NeighborRecord& record) { return record.segment == name; });
        return Ok{};
    }
};

struct PortKind : KindDefaults {
    using Object = Port;
    static constexpr const char* noun = "port";
    static constexpr const char* section = "ports";
    static constexpr auto list = &Document::ports;
    static const std::string& name(const Port& port) { return port.interface; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "interface"); }
    static json view(Engine& engine, const Port& port) { return port_view(engine, port); }

    // A port that gets a group leaves the segment it was put in, and the other way round.
    static void before(json& object, const json& given) {
        const auto has = [&](const char* key) { return given.contains(key) && !given[key].is_null(); };
        if (has("segment") != has("port_group")) object.erase(has("segment") ? "port_group" : "segment");
    }

    static Result<> may_go(Document& next, const std::string& name) {
        std::erase_if(next.fdb, [&](const FdbRecord& record) { return record.port == name; });
        return Ok{};
    }
};

struct UplinkKind : KindDefaults {
    using Object = Uplink;
    static constexpr const char* noun = "uplink";
    static constexpr const char* section = "uplinks";
    static constexpr auto list = &Document::uplinks;
    static const std::string& name(const Uplink& uplink) { return uplink.interface; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "interface"); }
    static json view(Engine& engine, const Uplink& uplink) { return uplink_view(engine, uplink); }
};

struct RemoteArguments {
    std::string segment;
    Ip address;
};

Result<RemoteArguments> remote_arguments(const json& arguments) {
    TRY(std::string segment, text_of(arguments, "segment"));
    TRY(const std::string address, text_of(arguments, "address"));
    const auto ip = Ip::parse(address);
    if (!ip || !ip->is_host()) return fail(EINVAL, "\"" + address + "\" is no host address");
    return RemoteArguments{std::move(segment), *ip};
}

auto find_remote(Segment& segment, const Ip& address) {
    return std::find_if(segment.remotes.begin(), segment.remotes.end(),
                        [&](const Remote& remote) { return remote.address == address; });
}

}  // namespace

Answer segment_list(Engine& engine, const Request& request) { return list_objects<SegmentKind>(engine, request); }
Answer segment_show(Engine& engine, const Request& request) { return show_object<SegmentKind>(engine, request); }
Answer segment_add(Engine& engine, const Request& request) { return add_object<SegmentKind>(engine, request); }
Answer segment_set(Engine& engine, const Request& request) { return set_object<SegmentKind>(engine, request); }
Answer segment_del(Engine& engine, const Request& request) { return del_object<SegmentKind>(engine, request); }
Answer port_list(Engine& engine, const Request& request) { return list_objects<PortKind>(engine, request); }
Answer port_show(Engine& engine, const Request& request) { return show_object<PortKind>(engine, request); }
Answer port_add(Engine& engine, const Request& request) { return add_object<PortKind>(engine, request); }
Answer port_set(Engine& engine, const Request& request) { return set_object<PortKind>(engine, request); }
Answer port_del(Engine& engine, const Request& request) { return del_object<PortKind>(engine, request); }
Answer uplink_list(Engine& engine, const Request& request) { return list_objects<UplinkKind>(engine, request); }
Answer uplink_show(Engine& engine, const Request& request) { return show_object<UplinkKind>(engine, request); }
Answer uplink_add(Engine& engine, const Request& request) { return add_object<UplinkKind>(engine, request); }
Answer uplink_set(Engine& engine, const Request& request) { return set_object<UplinkKind>(engine, request); }
Answer uplink_del(Engine& engine, const Request& request) { return del_object<UplinkKind>(engine, request); }

Answer remote_list(Engine& engine, const Request& request) {
    json out = json::array();
    const auto matches = [&](const char* key, const std::string& value) {
        return !request.arguments.contains(key) || request.arguments[key] == value;
    };
    for (const Segment& segment : engine.wanted().segments) {
        if (!matches("segment", segment.name)) continue;
        for (const Remote& remote : segment.remotes)
            if (matches("address", remote.address.text())) out.push_back(remote_view(engine, segment, remote));
    }
    return out.dump();
}

Answer remote_add(Engine& engine, const Request& request) {
    TRY(const RemoteArguments wanted, remote_arguments(request.arguments));
    Document next = engine.wanted();
    const auto segment = find<SegmentKind>(next, wanted.segment);
    if (segment == next.segments.end()) return fail(ENOENT, "no segment " + wanted.segment);
    if (find_remote(*segment, wanted.address) != segment->remotes.end()) return "null";
    segment->remotes.push_back({wanted.address, ORIGIN_CLI});
    return changed(engine, std::move(next));
}

Answer remote_del(Engine& engine, const Request& request) {
    TRY(const RemoteArguments wanted, remote_arguments(request.arguments));
    Document next = engine.wanted();
    const auto segment = find<SegmentKind>(next, wanted.segment);
    if (segment == next.segments.end()) return fail(ENOENT, "no segment " + wanted.segment);
    const auto remote = find_remote(*segment, wanted.address);
    if (remote == segment->remotes.end())
        return fail(ENOENT, "segment " + wanted.segment + " has no remote " + wanted.address.text());
    segment->remotes.erase(remote);
    return changed(engine, std::move(next));
}

}  // namespace weft::commands
