// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Segments, ports, uplinks and remotes: list, show, add, set, del. A change is made to a copy of what is wanted, which
// is checked as a whole document would be; complaints come back and nothing is changed then.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

// What differs between the three kinds of objects.
struct SegmentKind {
    using Object = Segment;
    static constexpr const char* noun = "segment";
    static constexpr const char* section = "segments";
    static constexpr const char* key = "name";
    static constexpr auto list = &Document::segments;
    static const std::string& name(const Segment& segment) { return segment.name; }
    static json view(Engine& engine, const Segment& segment) { return segment_view(engine, segment); }
};
struct PortKind {
    using Object = Port;
    static constexpr const char* noun = "port";
    static constexpr const char* section = "ports";
    static constexpr const char* key = "interface";
    static constexpr auto list = &Document::ports;
    static const std::string& name(const Port& port) { return port.interface; }
    static json view(Engine& engine, const Port& port) { return port_view(engine, port); }
};
struct UplinkKind {
    using Object = Uplink;
    static constexpr const char* noun = "uplink";
    static constexpr const char* section = "uplinks";
    static constexpr const char* key = "interface";
    static constexpr auto list = &Document::uplinks;
    static const std::string& name(const Uplink& uplink) { return uplink.interface; }
    static json view(Engine& engine, const Uplink& uplink) { return uplink_view(engine, uplink); }
};

template <typename Kind>
auto find(Document& document, const std::string& name) {
    auto& list = document.*Kind::list;
    return std::find_if(list.begin(), list.end(), [&](const auto& object) { return Kind::name(object) == name; });
}

template <typename Kind>
Result<typename Kind::Object> parse(const json& object, Owner owner) {
    Parsed parsed = parse_object(Kind::section, object, owner);
    if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
    return std::move((parsed.document.*Kind::list).front());
}

Answer changed(Engine& engine, Document next) {
    TRY(const Applied applied, engine.change(std::move(next)));
    return applied_text(applied);
}

template <typename Kind>
Answer list_objects(Engine& engine, const Request& request) {
    json out = json::array();
    for (const auto& object : engine.wanted().*Kind::list) {
        json view = Kind::view(engine, object);
        if (request.arguments.contains("segment") && view.value("segment", "") != request.arguments["segment"])
            continue;
        out.push_back(std::move(view));
    }
    return out.dump();
}

template <typename Kind>
Answer show_object(Engine& engine, const Request& request) {
    TRY(const std::string name, text_of(request.arguments, Kind::key));
    Document all = engine.wanted();
    const auto found = find<Kind>(all, name);
    if (found == (all.*Kind::list).end()) return fail(ENOENT, std::string("no ") + Kind::noun + " " + name);
    return Kind::view(engine, *found).dump();
}

// The same object but for who owns it.
template <typename T>
bool same(T a, const T& b) {
    a.owner = b.owner;
    if constexpr (std::is_same_v<T, Segment>) {
        if (a.remotes.size() != b.remotes.size()) return false;
        for (std::size_t i = 0; i < a.remotes.size(); ++i) a.remotes[i].owner = b.remotes[i].owner;
    }
    return a == b;
}

template <typename Kind>
Answer add_object(Engine& engine, const Request& request) {
    TRY(const std::string name, text_of(request.arguments, Kind::key));
    TRY(auto object, parse<Kind>(request.arguments, ORIGIN_CLI));
    Document next = engine.wanted();
    const auto found = find<Kind>(next, name);
    if (found != (next.*Kind::list).end()) {
        if (same(object, *found)) return "null";
        return fail(EEXIST, std::string(Kind::noun) + " " + name + " is there already, and different: use set");
    }
    (next.*Kind::list).push_back(std::move(object));
    return changed(engine, std::move(next));
}

// The object in the form of the document, with the keys that were given over it. Its owner stays.
template <typename Kind>
Answer set_object(Engine& engine, const Request& request) {
    TRY(const std::string name, text_of(request.arguments, Kind::key));
    Document next = engine.wanted();
    const auto found = find<Kind>(next, name);
    if (found == (next.*Kind::list).end()) return fail(ENOENT, std::string("no ") + Kind::noun + " " + name);
    Document alone;
    (alone.*Kind::list).push_back(*found);
    json object = to_json(alone)[Kind::section][0];
    object.update(request.arguments);
    TRY(auto parsed, parse<Kind>(object, found->owner));
    if constexpr (std::is_same_v<Kind, SegmentKind>)
        for (Remote& remote : parsed.remotes) {
            const auto old = std::find_if(found->remotes.begin(), found->remotes.end(),
                                          [&](const Remote& r) { return r.address == remote.address; });
            remote.owner = old == found->remotes.end() ? ORIGIN_CLI : old->owner;
        }
    *found = std::move(parsed);
    return changed(engine, std::move(next));
}

template <typename Kind>
Answer del_object(Engine& engine, const Request& request) {
    TRY(const std::string name, text_of(request.arguments, Kind::key));
    Document next = engine.wanted();
    const auto found = find<Kind>(next, name);
    if (found == (next.*Kind::list).end()) return fail(ENOENT, std::string("no ") + Kind::noun + " " + name);
    (next.*Kind::list).erase(found);
    if constexpr (std::is_same_v<Kind, SegmentKind>) {
        // Its entries go with it; its ports must go first, for a guest would lose its network unasked.
        for (const Port& port : next.ports)
            if (port.segment == name) return fail(EBUSY, "segment " + name + " has port " + port.interface);
        std::erase_if(next.fdb, [&](const FdbRecord& record) { return record.segment == name; });
        std::erase_if(next.neighbors, [&](const NeighborRecord& record) { return record.segment == name; });
    }
    if constexpr (std::is_same_v<Kind, PortKind>)
        std::erase_if(next.fdb, [&](const FdbRecord& record) { return record.port == name; });
    return changed(engine, std::move(next));
}

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
