// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "engine.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "clock.hpp"
#include "mtu.hpp"
#include "overrides.hpp"
#include "self_check.hpp"
#include "tunnel_device.hpp"

namespace weft {

namespace {

constexpr unsigned SWEEP_EVERY = 12;  // refreshes between two looks for unused next hops

bool same(const ::config& a, const ::config& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

std::string host_of(const EngineOptions& options) {
    if (!options.host.empty()) return options.host;
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// The tunnel devices of the document's VTEP. Where one cannot be had there is a reason: the datapath runs on without
// it.
TunnelDevices ensure_tunnels(Netlink& netlink, Links& links, const std::string& instance, const Document& document,
                             std::vector<std::string>& problems) {
    TunnelDevices out;
    problems.clear();
    const auto take = [&](const Result<std::uint32_t>& ifindex, const char* lost) -> std::uint32_t {
        if (!ifindex) {
            problems.push_back(lost + ifindex.error().what);
            return 0;
        }
        if (!links.find(*ifindex))
            if (const auto read = links.reload(); !read) problems.push_back(read.error().what);
        return *ifindex;
    };
    if (!document.vtep) return out;
    out.vxlan = take(ensure_tunnel_device(netlink, instance, document.vtep->port),
                     "no tunnel device, segmentation offload is lost on receive: ");
    if (has_nvgre(document))
        out.gretap = take(ensure_gretap(netlink, instance, !document.vtep->address.is_v4()),
                          "no gretap device, of NVGRE segmentation offload and outer fragments are lost on receive: ");
    else if (const auto gone = remove_gretap(netlink, instance); !gone)
        problems.push_back(gone.error().what);
    return out;
}

void log_new(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    for (const std::string& line : now)
        if (std::find(before.begin(), before.end(), line) == before.end()) spdlog::warn("{}", line);
}

}  // namespace

Result<Document> load_document(const EngineOptions& options) {
    if (options.config_file.empty()) return Document{};
    if (std::filesystem::is_directory(options.config_file))
        return fail(EISDIR, options.config_file + " is a directory");
    std::ifstream file(options.config_file);
    if (!file) return fail_errno("open " + options.config_file);
    std::stringstream content;
    content << file.rdbuf();
    if (!file) return fail_errno("read " + options.config_file);
    Parsed parsed = parse_config(content.str(), host_of(options));
    if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
    return std::move(parsed.document);
}

Result<std::unique_ptr<Engine>> Engine::start(const EngineOptions& options) {
    TRY_OK(Datapath::require_host());
    TRY(Document config, load_document(options));
    TRY(Links links, Links::open());
    TRY_OK(links.reload());
    if (const auto complaints = mtu_complaints(config, links.all()); !complaints.empty())
        return fail(EINVAL, text(complaints));

    auto cli = load_objects(options.run_dir + "/objects.json");
    if (!cli) spdlog::warn("objects of the CLI are lost: {}", cli.error().what);
    std::vector<std::string> warnings;
    Document wanted = cli ? merged_leniently(std::move(config), *cli, warnings) : std::move(config);
    for (const std::string& warning : warnings) spdlog::warn("{}", warning);

    TRY(Netlink netlink, Netlink::open());
    std::vector<std::string> problems;
    const ::config settings = settings_of(wanted, ensure_tunnels(netlink, links, options.instance, wanted, problems));
    TRY(Datapath datapath, Datapath::open(options.instance, settings, options.datapath));
    TRY(Flooder flooder, Flooder::open(datapath.tables()));
    TRY(Announcer announcer, Announcer::open());
    std::unique_ptr<Engine> engine(new Engine(options, std::move(wanted), std::move(links), std::move(netlink),
                                              std::move(datapath), std::move(flooder), std::move(announcer)));
    engine->settings_ = settings;
    engine->tunnel_problems_ = std::move(problems);
    if (cli) engine->persisted_ = std::move(*cli);
    TRY_OK(engine->open_parts());
    return engine;
}

Engine::Engine(EngineOptions options, Document wanted, Links links, Netlink netlink, Datapath datapath, Flooder flooder,
               Announcer announcer)
    : options_(std::move(options)),
      wanted_(std::move(wanted)),
      links_(std::move(links)),
      netlink_(std::move(netlink)),
      datapath_(std::move(datapath)),
      flooder_(std::move(flooder)),
      announcer_(std::move(announcer)) {}

Engine::~Engine() = default;

std::string Engine::host() const { return host_of(options_); }

// The rings first: what the datapath reports while the tables are read must not be lost.
Result<> Engine::open_parts() {
    const auto receive = [this](const event& event, std::span<const std::uint8_t> frame) { handle(event, frame); };
    TRY(Events events, Events::open(datapath_.events_fd(), receive));
    events_.emplace(std::move(events));
    const auto xdp_tx = [this](std::uint32_t ifindex) {
        return reconciler_ && reconciler_->devices().may_xdp_redirect(ifindex);
    };
    TRY(nexthops_, NextHops::open(datapath_.tables(), links_, xdp_tx));
    collect_own_macs();
    Learner::Context context;
    context.port_segment = [this](std::uint32_t ifindex) -> std::uint32_t {
        const Interface* port = reconciler_ ? reconciler_->devices().find(ifindex) : nullptr;
        return port && port->role == Role::Port ? port->row.segment : 0;
    };
    context.circuit_segment = [this](std::uint32_t id) -> std::uint32_t {
        const CircuitState* circuit = reconciler_ ? reconciler_->circuits().find(id) : nullptr;
        return circuit ? circuit->row.segment : 0;
    };
    context.own_mac = [this](const Mac& mac) { return own_macs_.contains(mac); };
    context.next_hop = [this](const Ip& remote, std::uint32_t network) { return nexthops_->acquire(remote, network); };
    context.accepted = [this](std::uint32_t segment, const Ip& remote, std::uint32_t hop) {
        if (reconciler_) reconciler_->segments().note_accepted(segment, remote, hop);
    };
    context.resolved = [this](std::uint32_t segment, const Ip& ip) { resolver_->learned(segment, ip); };
    context.probe = [this](std::uint32_t segment, const Ip& ip, const Mac& mac) { resolver_->probe(segment, ip, mac); };
    context.mac_changed = [this](const fdb_key& key) { watch_->touch(key); };
    context.neighbor_changed = [this](const neighbor_key& key) { watch_->touch(key); };
    context.entry_displaced = [this](const fdb_key& key, const fdb_entry& old) {
        reconciler_->entries().fdb().displaced(key, old);
    };
    context.neighbor_displaced = [this](const neighbor_key& key, const neighbor& old) {
        reconciler_->entries().neighbors().displaced(key, old);
    };
    context.came_here = [this](const fdb_key& guest, std::uint32_t port) { announce(guest, port); };
    open_resolver();
    learner_.emplace(datapath_.tables(), std::move(context));
    reconciler_.emplace(datapath_, *nexthops_, *learner_, links_);
    open_watch();
    if (wanted_.vtep) TRY_OK(nexthops_->set_vtep(*wanted_.vtep));
    flooder_.set_config(settings_);
    TRY_OK(reconciler_->adopt());
    TRY_OK(resolver_->adopt());
    for (const WaitingEntry& entry : persisted_.waiting) reconciler_->waiting().add(entry);
    (void)reconciler_->waiting().take_changed();  // the file holds them
    TRY_OK(forget_other_family());
    TRY_OK(attach_tunnels());
    reconcile(true);
    return Ok{};
}

void Engine::handle(const event& event, std::span<const std::uint8_t> frame) {
    if (!reconciler_) return;  // between opening the rings and reading the tables: the source is reported again
    switch (event.type) {
        case EVENT_LEARN_MAC:
        case EVENT_LEARN_NEIGHBOR: return learner_->handle(event);
        case EVENT_FLOOD: return flooder_.handle(event, frame);
        case EVENT_RESOLVE: return nexthops_->want(event.nexthop);
        case EVENT_REFLECTION: return reflection(event);
        case EVENT_MISS: return resolver_->handle(event, frame);
        case EVENT_ASK: return resolver_->ask_for(event);
        default: return;  // of a newer datapath
    }
}

std::vector<Engine::Source> Engine::sources() {
    return {{links_.fd(), [this] { return links_changed(); }},
            {nexthops_->fd(), [this] { return nexthops_->receive(); }},
            {events_->fd(), [this] { return events_->receive(); }}};
}

void Engine::collect_own_macs() {
    own_macs_.clear();
    for (const auto& [ifindex, link] : links_.all())
        if (!link.mac.is_zero()) own_macs_.insert(link.mac);
}

Result<> Engine::links_changed() {
    bool ours = false;
    TRY_OK(links_.receive([&](Links::Change, const Link& link) {
        const Devices& devices = reconciler_->devices();
        ours = ours || devices.find(link.name) || devices.find(link.ifindex) ||
               link.ifindex == settings_.tunnel_ifindex || link.ifindex == settings_.nvgre_ifindex;
    }));
    return follow_links(ours);
}

Result<> Engine::follow_links(bool ours) {
    TRY_OK(follow_teams());
    collect_own_macs();
    if (!ours) return Ok{};
    const auto went = [this](std::uint32_t ifindex) { return ifindex && !links_.find(ifindex); };
    if (went(settings_.tunnel_ifindex) || went(settings_.nvgre_ifindex)) TRY_OK(use_settings(wanted_));
    reconcile(false);
    return Ok{};
}

Result<> Engine::attach_tunnels() {
    for (const std::uint32_t ifindex : {settings_.tunnel_ifindex, settings_.nvgre_ifindex})
        if (const Link* link = links_.find(ifindex)) TRY_OK(datapath_.attach_tunnel(*link));
    return Ok{};
}

bool Engine::lacks_tunnels() const {
    if (!wanted_.vtep) return false;
    return !links_.find(settings_.tunnel_ifindex) || (has_nvgre(wanted_) && !links_.find(settings_.nvgre_ifindex));
}

// What the programs are loaded with; nothing is loaded anew when nothing changed.
Result<> Engine::use_settings(const Document& document) {
    const ::config settings =
        settings_of(document, ensure_tunnels(netlink_, links_, options_.instance, document, tunnel_problems_));
    if (!same(settings, settings_)) {
        TRY_OK(datapath_.configure(settings));
        flooder_.set_config(settings);
        settings_ = settings;
    }
    TRY_OK(attach_tunnels());
    if (document.vtep && document.vtep != wanted_.vtep) TRY_OK(nexthops_->set_vtep(*document.vtep));
    return Ok{};
}

// Headers of the new family cannot carry frames to remotes of the old one, and entries that no document names would
// stay.
Result<> Engine::forget_other_family() {
    std::set<std::uint32_t> strangers;
    for (const NextHopInfo& hop : nexthops_->all())
        if (wanted_.vtep && hop.remote.is_v4() != wanted_.vtep->address.is_v4()) strangers.insert(hop.id);
    if (strangers.empty()) return Ok{};
    TRY(const std::uint64_t gone, reconciler_->entries().forget_nexthops(strangers));
    if (gone == 0) return Ok{};
    spdlog::warn("{} entries pointed to remotes of another address family than the VTEP's: they are removed", gone);
    return Ok{};
}

void Engine::reconcile(bool again) {
    const std::uint64_t before = reconciler_->devices().writes();
    Problems now = reconciler_->run(wanted_, again);
    for (const std::string& problem : tunnel_problems_) now.add(problem);
    check_vtep(now);
    for (std::string& warning : beacons_.warnings(monotonic_ns())) now.warn(std::move(warning));
    if (reconciler_->devices().writes() != before) now.check(nexthops_->refresh(), "next hops");
    log_new(problems_.reasons, now.reasons);
    log_new(problems_.warnings, now.warnings);
    problems_ = std::move(now);
    follow_entries();
}

// What entries that came or went touch besides themselves.
void Engine::follow_entries() {
    Entries& entries = reconciler_->entries();
    if (entries.fdb().take_erased() | entries.neighbors().take_erased()) deleted_ = true;
    if (!reconciler_->waiting().take_changed()) return;
    if (const auto kept = persist(); !kept) spdlog::error("{}", kept.error().what);
}

void Engine::check_vtep(Problems& problems) {
    if (!wanted_.vtep) return;
    const auto own = nexthops_->is_own(wanted_.vtep->address);
    if (problems.check(own, "vtep") && !*own)
        problems.add("vtep address " + wanted_.vtep->address.text() +
                     " is on no interface of this host: add it to one, or correct vtep.address");
}

// By each uplink that leads to a remote, with that remote as the sender: reverse path filters let it in.
Result<> Engine::check_tunnel() {
    const Link* tunnel = links_.find(settings_.tunnel_ifindex);
    if (!wanted_.vtep || !tunnel) return Ok{};
    const auto [address, port] = std::pair(wanted_.vtep->address, wanted_.vtep->port);
    std::set<std::uint32_t> tried;
    for (const NextHopInfo& hop : nexthops_->all()) {
        const Interface* uplink = reconciler_->devices().find(hop.path.ifindex);
        const Link* link = links_.find(hop.path.ifindex);
        if (!uplink || uplink->role != Role::Uplink || !link || !tried.insert(link->ifindex).second) continue;
        const auto frame = self_check_frame(link->mac, hop.remote, address, port);
        TRY(const bool passed, passes_tunnel_device(*link, frame, reconciler_->accounts()));
        if (!passed)
            return fail(EIO, "a tunnel packet that came in by " + link->name + " did not reach " + tunnel->name +
                                 ": let UDP port " + std::to_string(port) + " to " + address.text() +
                                 " pass the firewall's input rules");
    }
    return Ok{};
}

Result<> Engine::examine() {
    reconcile(true);
    if (!problems_.reasons.empty())
        return fail(EIO, "degraded: " + fmt::format("{}", fmt::join(problems_.reasons, "; ")));
    if (const auto passed = check_tunnel(); !passed) return fail(passed.error(), "degraded");
    return Ok{};
}

Result<> Engine::tick() {
    const std::uint64_t aged = learner_->counters().aged;
    TRY_OK(learner_->age(stamp_now_s()));
    deleted_ = deleted_ || learner_->counters().aged != aged;
    return Ok{};
}

Result<> Engine::refresh() {
    if (lacks_tunnels()) TRY_OK(use_settings(wanted_));
    TRY_OK(nexthops_->refresh());
    reconciler_->devices().look_for_silent_ports();
    reconcile(true);
    reconciler_->segments().tidy();
    if (++refreshes_ % SWEEP_EVERY != 0 || !deleted_) return Ok{};
    deleted_ = false;
    return reconciler_->sweep_nexthops();
}

Result<> Engine::persist() {
    CliObjects own = cli_part(wanted_);
    own.waiting = reconciler_->waiting().all();
    if (own == persisted_) return Ok{};
    TRY_OK(save_objects(objects_path(), own));
    persisted_ = std::move(own);
    return Ok{};
}

Result<Applied> Engine::commit(Document next, bool dry_run) {
    complete(next);
    auto complaints = check(next);
    const auto too_big = mtu_complaints(next, links_.all());
    complaints.insert(complaints.end(), too_big.begin(), too_big.end());
    if (!complaints.empty()) return fail(EINVAL, text(complaints));
    Applied applied{difference(wanted_, next), {}};
    if (dry_run) return applied;
    TRY_OK(use_settings(next));
    wanted_ = std::move(next);
    deleted_ = true;
    TRY_OK(persist());
    TRY_OK(forget_other_family());
    reconcile(false);
    applied.problems = problems_;
    return applied;
}

Result<Applied> Engine::apply(Document config, bool dry_run, bool replace) {
    const CliObjects own = cli_part(wanted_);
    Document next = replace ? with_roles(std::move(config), own) : merged(std::move(config), own);
    TRY(Applied applied, commit(std::move(next), dry_run));
    if (dry_run) return applied;
    reconciler_->teams().take_back();
    TRY_OK(follow_teams());
    if (!replace) return applied;
    const auto of_cli = [](const auto&, const auto& entry) { return entry.origin == ORIGIN_CLI; };
    TRY_OK(reconciler_->entries().fdb().erase_if(of_cli));
    TRY_OK(reconciler_->entries().neighbors().erase_if(of_cli));
    reconciler_->waiting().drop_if([](const WaitingEntry& entry) { return entry.origin == ORIGIN_CLI; });
    TRY_OK(entries_changed());
    return applied;
}

Result<Applied> Engine::reload() {
    TRY(Document config, load_document(options_));
    return apply(std::move(config), false, false);
}

Result<Applied> Engine::change(Document next) { return commit(std::move(next), false); }

Result<> Engine::entries_changed() {
    Entries& entries = reconciler_->entries();
    std::map<std::uint32_t, std::string> names;  // of segments; a batch has a hundred thousand rows
    for (const auto& [key, segment] : reconciler_->segments().by_key()) names[segment.index] = segment.name;
    Overridden changed;
    for (const fdb_key& key : entries.fdb().take_overridden())
        changed.macs.emplace(names[key.segment], Mac::of(key.mac));
    for (const neighbor_key& key : entries.neighbors().take_overridden())
        changed.ips.emplace(names[key.segment], Ip::of(key.ip));
    forget_overridden(wanted_, changed);

    follow_entries();
    if (!(entries.fdb().take_remotes_changed() | entries.neighbors().take_remotes_changed())) return Ok{};
    const Problems problems = reconciler_->accept(wanted_);
    if (!problems.reasons.empty()) return fail(EIO, problems.reasons.front());
    return Ok{};
}

}  // namespace weft
