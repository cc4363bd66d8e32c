// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a document must satisfy beyond its form: nothing twice, nothing that names what is not there, one family of
// addresses. Values that are empty because their form was wrong are passed over. Switches, port groups and bridges are
// in check_switching.cpp, gateways and routes in check_routing.cpp, access rules in check_rules.cpp, tenant records in
// check_records.cpp.
#include "check.hpp"

#include <map>
#include <set>
#include <unordered_set>

namespace weft {

namespace {

std::string family(const Ip& ip) { return ip.is_v4() ? "IPv4" : "IPv6"; }

}  // namespace

std::string path_of(const char* section, std::size_t index, std::string_view rest) {
    return std::string("/") + section + "/" + std::to_string(index) + std::string(rest);
}

std::string of_cli(Owner owner, const std::string& what) {
    return owner == ORIGIN_CLI ? " (" + what + " of the CLI)" : "";
}

std::string wrong_remote(const Document& document, const Ip& ip) {
    if (!document.vtep) return "there is no vtep to reach " + ip.text() + " from";
    const Ip& own = document.vtep->address;
    if (own.is_unspecified() || ip.is_unspecified()) return "";
    if (ip == own) return ip.text() + " is this host's own VTEP";
    if (ip.is_v4() != own.is_v4())
        return ip.text() + " is " + family(ip) + ", the VTEP " + own.text() + " is " + family(own);
    return "";
}

bool is_vsid(std::uint32_t number) { return number >= VSID_MIN && number <= VSID_MAX; }

std::string wrong_vsid(std::uint32_t number) {
    return std::to_string(number) + " is no VSID: with NVGRE it is " + std::to_string(VSID_MIN) + " to " +
           std::to_string(VSID_MAX) + " (RFC 7637 §3.4)";
}

std::string wrong_host_mac(const Mac& mac) {
    if (mac.is_zero()) return mac.text() + " is all zero, which no host has";
    return mac.is_multicast() ? mac.text() + " is a multicast address, which no host has" : "";
}

namespace {

void check_mac(const Mac& mac, std::vector<Complaint>& out) {
    if (auto wrong = wrong_host_mac(mac); !wrong.empty()) out.push_back({"/mac", std::move(wrong)});
}

}  // namespace

// weft names its own tunnel device so, "weft-" and a hash; an operator's interface must not look like one.
bool is_reserved(std::string_view interface) {
    constexpr std::string_view OWN = "weft-";
    constexpr std::size_t HASH_DIGITS = 8;
    return interface == "lo" || (interface.size() == OWN.size() + HASH_DIGITS && interface.starts_with(OWN) &&
                                 interface.find_first_not_of("0123456789abcdef", OWN.size()) == interface.npos);
}

namespace {

class Check {
public:
    explicit Check(const Document& document) : document_(document) {}

    std::vector<Complaint> all() {
        if (document_.vtep && document_.vtep->address.is_unspecified()) complain("/vtep/address", "is missing");
        for (std::size_t i = 0; i < document_.uplinks.size(); ++i)
            take_interface(document_.uplinks[i].interface, "an uplink", path_of("uplinks", i, "/interface"));
        segments();
        ports();
        const RecordCheck record(document_);
        fdb(record);
        neighbors(record);
        for (Complaint& wrong : check_switching(document_)) out_.push_back(std::move(wrong));
        for (Complaint& wrong : check_routing(document_)) out_.push_back(std::move(wrong));
        for (Complaint& wrong : check_rules(document_)) out_.push_back(std::move(wrong));
        for (Complaint& wrong : check_records(document_)) out_.push_back(std::move(wrong));
        return std::move(out_);
    }

private:
    void complain(std::string path, std::string what) { out_.push_back({std::move(path), std::move(what)}); }

    void take_interface(const std::string& interface, const std::string& use, std::string path) {
        if (interface.empty()) return;
        if (is_reserved(interface)) complain(path, interface + " cannot be " + use);
        const auto [old, fresh] = interfaces_.emplace(interface, use);
        if (!fresh) complain(std::move(path), interface + " is already " + old->second);
    }

    void segments() {
        if (document_.segments.size() >= MAX_SEGMENTS)
            complain("/segments", std::to_string(document_.segments.size()) + " segments, a host has room for " +
                                      std::to_string(MAX_SEGMENTS - 1));
        for (std::size_t i = 0; i < document_.segments.size(); ++i) {
            const Segment& segment = document_.segments[i];
            if (!segment.name.empty() && !names_.insert(segment.name).second)
                complain(path_of("segments", i, "/name"), segment.name + " is given twice");
            const auto [old, fresh] = vnis_.emplace(std::pair(segment.encapsulation, segment.vni), segment.name);
            if (segment.vni != 0 && !fresh)  // 0: VLAN-backed, or its form is wrong
                complain(path_of("segments", i, "/vni"), std::to_string(segment.vni) + " is taken by segment " +
                                                             old->second +
                                                             of_cli(segment.owner, "segment " + segment.name));
            if (segment.encapsulation == Encapsulation::Nvgre) nvgre(segment, i);
            remotes(segment, path_of("segments", i, "/remotes"));
        }
    }

    void nvgre(const Segment& segment, std::size_t i) {
        const std::string whose = of_cli(segment.owner, "segment " + segment.name);
        const bool has_form = segment.vni != 0 && segment.vni <= VNI_MAX;
        if (has_form && !is_vsid(segment.vni))
            complain(path_of("segments", i, "/vni"), wrong_vsid(segment.vni) + whose);
        if (segment.keep_inner_tags)
            complain(path_of("segments", i, "/keep_inner_tags"),
                     "NVGRE carries no tagged frames (RFC 7637 §3.3): use vxlan for them" + whose);
    }

    void remotes(const Segment& segment, const std::string& path) {
        if (!segment.remotes.empty() && !document_.vtep)
            return complain(path, "segment " + segment.name + " has remotes, but there is no vtep");
        if (!segment.remotes.empty() && segment.vni == 0)
            return complain(path, "segment " + segment.name + " has no vni, and so no remotes");
        std::unordered_set<Ip> seen;
        for (std::size_t i = 0; i < segment.remotes.size(); ++i) {
            const Ip& ip = segment.remotes[i].address;
            const std::string here = path + "/" + std::to_string(i);
            if (const auto wrong = wrong_remote(document_, ip); !wrong.empty())
                complain(here, wrong + of_cli(segment.remotes[i].owner, "a remote"));
            if (!ip.is_unspecified() && !seen.insert(ip).second) complain(here, ip.text() + " is given twice");
        }
    }

    void ports() {
        for (std::size_t i = 0; i < document_.ports.size(); ++i) {
            const Port& port = document_.ports[i];
            take_interface(port.interface, "a port of segment " + port.segment, path_of("ports", i, "/interface"));
            if (port.port_group.empty() && !names_.contains(port.segment))
                complain(path_of("ports", i, "/segment"),
                         "there is no segment " + port.segment + of_cli(port.owner, "port " + port.interface));
        }
    }

    void fdb(const RecordCheck& record) {
        std::set<std::pair<std::string_view, Mac>> seen;
        for (std::size_t i = 0; i < document_.fdb.size(); ++i) {
            const FdbRecord& one = document_.fdb[i];
            for (Complaint& wrong : record(one)) complain(path_of("fdb", i, wrong.path), std::move(wrong.what));
            if (!one.mac.is_zero() && !seen.emplace(one.segment, one.mac).second)
                complain(path_of("fdb", i), one.mac.text() + " of segment " + one.segment + " is given twice");
        }
    }

    void neighbors(const RecordCheck& record) {
        std::set<std::pair<std::string_view, Ip>> seen;
        for (std::size_t i = 0; i < document_.neighbors.size(); ++i) {
            const NeighborRecord& one = document_.neighbors[i];
            for (Complaint& wrong : record(one)) complain(path_of("neighbors", i, wrong.path), std::move(wrong.what));
            if (!one.ip.is_unspecified() && !seen.emplace(one.segment, one.ip).second)
                complain(path_of("neighbors", i), one.ip.text() + " of segment " + one.segment + " is given twice");
        }
    }

    const Document& document_;
    std::vector<Complaint> out_;
    std::unordered_map<std::string, std::string> interfaces_;  // name -> what it is
    std::unordered_set<std::string_view> names_;
    std::map<std::pair<Encapsulation, std::uint32_t>, std::string> vnis_;
};

}  // namespace

std::vector<Complaint> check(const Document& document) { return Check(document).all(); }

RecordCheck::RecordCheck(const Document& document) : document_(document) {
    for (const Segment& segment : document.segments) segments_.emplace(segment.name, &segment);
    for (const Port& port : document.ports) ports_.emplace(port.interface, &port);
    for (const Bridge& bridge : document.bridges)
        bridges_.emplace(BridgeName{bridge.interface, bridge.vlan}.text(), &bridge);
}

void RecordCheck::check_remote(const std::string& segment, const std::optional<Ip>& remote,
                               const std::optional<std::uint32_t>& vni, std::vector<Complaint>& out) const {
    const auto found = segments_.find(segment);
    if (found == segments_.end()) out.push_back({"/segment", "there is no segment " + segment});
    if (found != segments_.end() && found->second->vni == 0) {
        const std::string why = "segment " + segment + " has no vni";
        if (remote) out.push_back({"/remote", why + ", and so no remotes"});
        if (vni) out.push_back({"/vni", why});
    } else if (remote) {
        if (auto wrong = wrong_remote(document_, *remote); !wrong.empty()) out.push_back({"/remote", std::move(wrong)});
        const bool nvgre = found != segments_.end() && found->second->encapsulation == Encapsulation::Nvgre;
        if (nvgre && vni && !is_vsid(*vni)) out.push_back({"/vni", wrong_vsid(*vni)});
    } else if (vni && found != segments_.end() && *vni != found->second->vni) {
        out.push_back({"/vni", std::to_string(*vni) + " is not the VNI of segment " + segment + " (" +
                                   std::to_string(found->second->vni) + "); another goes with a remote only"});
    }
}

std::vector<Complaint> RecordCheck::operator()(const FdbRecord& record) const {
    std::vector<Complaint> out;
    check_mac(record.mac, out);
    check_remote(record.segment, record.remote, record.vni, out);
    const auto segment = segments_.find(record.segment);
    if (segment != segments_.end() && !segment->second->gateway.addresses.empty() &&
        segment->second->gateway.mac == record.mac)
        out.push_back({"/mac", record.mac.text() + " is the gateway's of segment " + record.segment});
    std::string places;
    const auto place = [&](bool given, const char* what) {
        if (given) places += (places.empty() ? "" : " and ") + std::string(what);
        return given ? 1 : 0;
    };
    const int count = place(!record.port.empty(), "a port") + place(record.remote.has_value(), "a remote") +
                      place(record.bridge.has_value(), "a bridge");
    if (count == 0) out.push_back({"", "needs a port, a remote or a bridge"});
    if (count > 1) out.push_back({"", "has " + places + ", must have one of them"});
    check_place(record, out);
    return out;
}

void RecordCheck::check_place(const FdbRecord& record, std::vector<Complaint>& out) const {
    const auto bridge = record.bridge ? bridges_.find(*record.bridge) : bridges_.end();
    if (record.bridge && (bridge == bridges_.end() || bridge->second->segment != record.segment))
        out.push_back({"/bridge", *record.bridge + " is no bridge of segment " + record.segment});
    if (record.port.empty()) return;
    const auto port = ports_.find(record.port);
    if (port == ports_.end() || port->second->segment != record.segment)
        out.push_back({"/port", record.port + " is no port of segment " + record.segment});
}

std::vector<Complaint> RecordCheck::operator()(const NeighborRecord& record) const {
    std::vector<Complaint> out;
    check_mac(record.mac, out);
    check_remote(record.segment, record.remote, record.vni, out);
    if (const auto segment = segments_.find(record.segment); segment != segments_.end())
        for (const Prefix& address : segment->second->gateway.addresses)
            if (address.address == record.ip)
                out.push_back({"/ip", record.ip.text() + " is the gateway of segment " + record.segment});
    return out;
}

}  // namespace weft
