// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The daemon without its loop and its socket: what is wanted (configuration document and CLI objects), what there is
// (links, programs, tables), and what keeps the second like the first. Everything happens on the thread that calls.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "announce.hpp"
#include "beacons.hpp"
#include "config.hpp"
#include "datapath.hpp"
#include "events.hpp"
#include "flood.hpp"
#include "learn.hpp"
#include "links.hpp"
#include "netlink.hpp"
#include "nexthops.hpp"
#include "objects.hpp"
#include "reconcile.hpp"
#include "record_watch.hpp"
#include "resolver.hpp"
#include "result.hpp"

namespace weft {

struct EngineOptions {
    std::string instance;
    std::string config_file;  // empty: an empty document
    std::string host;         // whose section of `hosts`; empty: the machine's name
    std::string run_dir;      // /run/weft/<instance>
    Datapath::Options datapath = {};
};

// What an apply did, or would do.
struct Applied {
    std::vector<ObjectChange> changes;
    Problems problems;
};

class Engine {
public:
    // Everything checked first: an Error before anything is changed names each complaint on a line of its own.
    static Result<std::unique_ptr<Engine>> start(const EngineOptions& options);
    ~Engine();

    // For the loop: when the fd is readable, call ready.
    struct Source {
        int fd;
        std::function<Result<>()> ready;
    };
    std::vector<Source> sources();
    Result<> tick();             // each second: aging
    Result<> follow();           // every 50 ms: who is the designated bridge, and what a VLAN must hear of it
    Result<> refresh();          // every few seconds: what drifted is put right
    Result<> look_at_uplinks();  // every 20 ms: whether a team's NIC lost its carrier
    Result<> publish() { return watch_->publish(); }  // every 20 ms: what became of records, to those that listen
    Result<> examine();  // for `weft check`: looks at everything now, and tries the way through the tunnel device

    const Document& wanted() const { return wanted_; }
    // The document becomes the configuration. replace: the CLI's objects and entries go as well.
    Result<Applied> apply(Document config, bool dry_run, bool replace);
    Result<Applied> reload();  // SIGHUP: the file again
    // Objects of the CLI: `next` is wanted_ with the change in it.
    Result<Applied> change(Document next);
    // Call after a command wrote entries: accepted remotes, learning's counts and the document follow.
    Result<> entries_changed();

    Reconciler& parts() { return *reconciler_; }
    const Reconciler& parts() const { return *reconciler_; }
    const Links& links() const { return links_; }
    NextHops& nexthops() { return *nexthops_; }
    Learner& learner() { return *learner_; }
    RecordJoin records();  // as they are now
    RecordWatch& watch() { return *watch_; }
    Datapath& datapath() { return datapath_; }
    const Events& events() const { return *events_; }
    const Flooder& flooder() const { return flooder_; }
    const Announcer& announcer() const { return announcer_; }
    const Resolver& resolver() const { return *resolver_; }
    const EngineOptions& options() const { return options_; }
    std::string host() const;  // whose section of `hosts` is ours
    const Problems& problems() const { return problems_; }
    const ::config& settings() const { return settings_; }

private:
    Engine(EngineOptions options, Document wanted, Links links, Netlink netlink, Datapath datapath, Flooder flooder,
           Announcer announcer);

    Result<> open_parts();
    Result<> use_settings(const Document& document);
    Result<> attach_tunnels();
    bool lacks_tunnels() const;
    Result<> forget_other_family();
    Result<Applied> commit(Document next, bool dry_run);
    void reconcile(bool again);
    Result<> links_changed();
    Result<> follow_links(bool ours);
    void check_vtep(Problems& problems);
    Result<> check_tunnel();
    void follow_entries();
    void collect_own_macs();
    void say_hello();
    Result<> announce(const CircuitState& circuit);
    Result<> follow_teams();
    Result<> follow_beacons();
    Result<> announce(const TeamMove& move);
    std::map<std::uint32_t, std::uint16_t> vlans_behind(const std::string& team);
    void reflection(const event& event);
    void open_resolver();
    void open_watch();
    Result<> send_as_host(std::uint32_t segment, std::span<const std::uint8_t> frame, std::uint32_t but);
    void announce(const fdb_key& guest, std::uint32_t port);
    std::optional<Asker> asker_in(std::uint32_t segment, const Ip& target) const;
    std::optional<Mac> own_mac() const;  // of the underlay
    frame_facts facts_of(const event& event) const;
    void handle(const event& event, std::span<const std::uint8_t> frame);
    std::string objects_path() const { return options_.run_dir + "/objects.json"; }
    Result<> persist();

    EngineOptions options_;
    Document wanted_;
    CliObjects persisted_;
    Links links_;
    Netlink netlink_;
    Datapath datapath_;
    Flooder flooder_;
    Announcer announcer_;
    Beacons beacons_;
    ::config settings_{};
    std::vector<std::string> tunnel_problems_;
    std::optional<NextHops> nexthops_;
    std::optional<Learner> learner_;
    std::optional<Resolver> resolver_;
    std::optional<Reconciler> reconciler_;
    std::optional<RecordWatch> watch_;
    std::optional<Events> events_;
    std::unordered_set<Mac> own_macs_;
    Problems problems_;
    bool deleted_ = false;  // entries or objects went: next hops may be unused
    unsigned refreshes_ = 0;
    std::chrono::steady_clock::time_point last_hello_{};
};

// By ifindex; 0: there is none.
struct TunnelDevices {
    std::uint32_t vxlan = 0, gretap = 0;
};

// struct config of the programs for a document.
::config settings_of(const Document& document, const TunnelDevices& devices);
bool has_nvgre(const Document& document);

// Reads and checks the file of the options; the error holds every complaint, a line each.
Result<Document> load_document(const EngineOptions& options);

}  // namespace weft
