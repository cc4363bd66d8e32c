// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// text -> JSON -> form -> this host's part -> values -> meaning. Every stage that can still say something does.
#include "config.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "check.hpp"
#include "read.hpp"
#include "schema.hpp"
#include "text.hpp"

namespace weft {

namespace {

using nlohmann::json;

// Objects key by key, everything else as a whole.
void merge(json& into, const json& part) {
    for (const auto& [key, value] : part.items()) {
        json& old = into[key];
        if (old.is_object() && value.is_object())
            merge(old, value);
        else
            old = value;
    }
}

// The document as one host reads it; where a part came from is kept for the complaints' paths.
class HostView {
public:
    HostView(json document, std::string_view host) : document(std::move(document)) {
        if (!this->document.is_object() || host.empty()) return;
        const auto hosts = this->document.find("hosts");
        if (hosts == this->document.end() || !hosts->is_object()) return;
        const auto part = hosts->find(std::string(host));
        if (part == hosts->end() || !part->is_object()) return;
        part_ = *part;
        prefix_ = "/hosts/" + pointer_token(host);
        merge(this->document, part_);
        for (const char* section : {"segments", "routing_domains"})
            if (!part_.contains(section)) leave_out_self(section);
    }

    std::string origin_of(const std::string& merged) const {
        if (prefix_.empty()) return merged;
        const std::string path = with_self(merged);
        // A list comes from one place as a whole; a key of an object may come from either.
        const bool here = part_.contains(json::json_pointer(path.substr(0, path.find('/', path.find('/', 1) + 1))));
        const bool list = part_.contains(json::json_pointer(path.substr(0, path.find('/', 1)))) &&
                          part_.at(json::json_pointer(path.substr(0, path.find('/', 1)))).is_array();
        return here || list ? prefix_ + path : path;
    }

    json document;

private:
    // Lists of remotes that all hosts share name this one too, whose VTEP its own part says.
    void leave_out_self(const char* section) {
        const json own = part_.value(json::json_pointer("/vtep/address"), json());
        const auto self = own.is_string() ? Ip::parse(own.get_ref<const std::string&>()) : std::nullopt;
        const auto objects = document.find(section);
        if (!self || objects == document.end() || !objects->is_array()) return;
        const auto is_self = [&](const json& remote) {
            const json& address = remote.is_object() && remote.contains("address") ? remote["address"] : remote;
            return address.is_string() && Ip::parse(address.get_ref<const std::string&>()) == self;
        };
        for (std::size_t i = 0; i < objects->size(); ++i) {
            json& object = (*objects)[i];
            if (!object.is_object() || !object.contains("remotes") || !object["remotes"].is_array()) continue;
            json& remotes = object["remotes"];
            const auto found = std::ranges::find_if(remotes, is_self);
            if (found == remotes.end()) continue;
            left_out_[path_of(section, i, "/remotes/")] = static_cast<std::size_t>(found - remotes.begin());
            remotes.erase(found);
        }
    }

    // The place of a remote in the document, behind one that was left out.
    std::string with_self(const std::string& path) const {
        for (const auto& [list, self] : left_out_) {
            if (!path.starts_with(list)) continue;
            const std::size_t end = std::min(path.find('/', list.size()), path.size());
            const std::size_t at = std::stoul(path.substr(list.size(), end - list.size()));
            return list + std::to_string(at + (at >= self)) + path.substr(end);
        }
        return path;
    }

    json part_ = json::object();
    std::map<std::string, std::size_t> left_out_;  // by list: the position of this host in it
    std::string prefix_;
};

bool is_above(const std::string& above, const std::string& below) {
    return below.starts_with(above) && (below.size() == above.size() || below[above.size()] == '/');
}

// A value that already has a complaint of form is not judged again for what it means.
bool spoken_for(const std::vector<Complaint>& complaints, const std::string& path) {
    return std::ranges::any_of(
        complaints, [&](const Complaint& known) { return is_above(known.path, path) || is_above(path, known.path); });
}

}  // namespace

Parsed parse_config(std::string_view text, std::string_view host) {
    Parsed out;
    json document = read_json(text, out.complaints);
    if (document.is_null() && !out.complaints.empty()) return out;
    for (Complaint& one : check_form(document, document_rule())) out.complaints.push_back(std::move(one));
    const HostView view(std::move(document), host);
    out.document = read_document(view.document, ORIGIN_CONFIG);
    const std::size_t formal = out.complaints.size();
    const std::vector<Complaint> of_form(out.complaints.begin(), out.complaints.begin() + static_cast<long>(formal));
    for (Complaint& one : check(out.document)) {
        one.path = view.origin_of(one.path);
        if (!spoken_for(of_form, one.path)) out.complaints.push_back(std::move(one));
    }
    return out;
}

ParsedObject parse_object(std::string_view section, const json& object, Owner owner) {
    static const std::vector<std::string_view> ROW_KEYS = {"origin", "age_seconds", "dynamic", "static"};
    static const std::vector<std::string_view> NO_KEYS;
    Parsed out;
    const Rule* rule = item_rule(section);
    if (!rule || rule->type != "object") return {{}, {{"", "there is no list " + std::string(section)}}};
    const bool row = section == "fdb" || section == "neighbors";
    out.complaints = check_form(object, *rule, row ? ROW_KEYS : NO_KEYS);
    if (out.complaints.empty()) read_object(section, object, owner, out.document);
    return out;
}

}  // namespace weft
