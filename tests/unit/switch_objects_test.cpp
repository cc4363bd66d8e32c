// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Bridges, switches and port groups of the CLI beside the document, and how long a role that a command set holds.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "objects.hpp"

namespace weft {
namespace {

const char* const CONFIG =
    R"({"vtep": {"address": "192.0.2.1"}, "segments": [{"name": "blue", "vni": 1}, {"name": "lan"}],
    "switches": [{"name": "s", "team": {"uplinks": ["eth1"]}}],
    "bridges": [{"segment": "blue", "interface": "eth1", "vlan": 100, "role": "elected"}]})";

Document config(const char* text = CONFIG) {
    Parsed parsed = parse_config(text, "");
    EXPECT_EQ(weft::text(parsed.complaints), "");
    return parsed.document;
}

CliObjects objects() {
    CliObjects out;
    out.document = config(R"({"segments": [{"name": "lan"}, {"name": "green", "vni": 2}],
        "switches": [{"name": "t", "team": {"uplinks": ["eth2"]}}],
        "port_groups": [{"name": "g", "switch": "t", "segment": "lan", "vlan": 10}],
        "ports": [{"interface": "tap0", "port_group": "g"}],
        "bridges": [{"segment": "green", "interface": "eth3", "vlan": 5}]})");
    out.document.segments.erase(out.document.segments.begin());
    const auto to_cli = [](auto& list) {
        for (auto& one : list) one.owner = ORIGIN_CLI;
    };
    to_cli(out.document.segments);
    to_cli(out.document.switches);
    to_cli(out.document.port_groups);
    to_cli(out.document.ports);
    to_cli(out.document.bridges);
    return out;
}

TEST(SwitchObjects, OfTheCliStandBesideTheDocumentsAndComeBackOut) {
    const Document all = merged(config(), objects());
    EXPECT_EQ(all.switches.size(), 2u);
    EXPECT_EQ(all.bridges.size(), 2u);
    EXPECT_EQ(all.ports.at(0).segment, "lan");
    EXPECT_EQ(cli_part(all), objects());
}

TEST(SwitchObjects, PortsFollowTheirGroupToAnotherSegmentOfTheDocument) {
    CliObjects cli = objects();
    cli.document.port_groups.clear();
    Document document = config();
    document.port_groups = objects().document.port_groups;
    document.port_groups[0].segment = "blue";
    EXPECT_EQ(merged(document, cli).ports.at(0).segment, "blue");
}

TEST(SwitchObjects, AreReadBackAsTheyWereWritten) {
    const std::string path = testing::TempDir() + "weft-switch-objects-" + std::to_string(getpid());
    CliObjects kept = objects();
    kept.roles = {{"blue eth1:100", BridgeRole::Elected, BridgeRole::Designated}};
    ASSERT_TRUE(save_objects(path, kept));
    auto read = load_objects(path);
    ASSERT_TRUE(read) << read.error().what;
    complete(read->document);
    kept.document.ports[0].segment = "";  // its group's, which is whole only beside the document: here it has one
    read->document.ports[0].segment = "";
    EXPECT_EQ(*read, kept);
    for (const char* text :
         {R"({"roles":[{"bridge":"b","given":"elected","role":"master"}]})",
          R"({"roles":[{"bridge":"b","given":"elected"}]})", R"({"bridges":[{"segment":"blue"}]})"}) {
        std::ofstream(path) << text;
        EXPECT_FALSE(load_objects(path)) << text;
    }
    std::filesystem::remove(path);
}

TEST(SwitchObjects, ThatDoNotFitAnyMoreAreLeftOutWithAWarningAtStart) {
    std::vector<std::string> warnings;
    const Document all = merged_leniently(config(R"({"segments": [{"name": "blue", "vni": 1}, {"name": "lan"}],
            "switches": [{"name": "s", "team": {"uplinks": ["eth2"]}}],
            "bridges": [{"segment": "blue", "interface": "eth3", "vlan": 5}]})"),
                                          objects(), warnings);
    EXPECT_EQ(all.switches.size(), 1u);
    EXPECT_TRUE(all.port_groups.empty() && all.ports.empty());
    EXPECT_EQ(all.bridges.size(), 1u);
    EXPECT_EQ(warnings,
              (std::vector<std::string>{
                  "switch t of the CLI does not fit the configuration and is left out: eth2 is already an uplink of "
                  "switch s (switch t of the CLI)",
                  "port group g of the CLI does not fit the configuration and is left out: there is no switch t (port "
                  "group g of the CLI)",
                  "port tap0 of the CLI does not fit the configuration and is left out: there is no port group g (port "
                  "tap0 of the CLI)",
                  "bridge green eth3:5 of the CLI does not fit the configuration and is left out: eth3:5 is already "
                  "bridged to segment blue (bridge eth3:5 of the CLI)"}));
}

// What a document with this role makes of a role that was set under the role of CONFIG.
std::optional<BridgeRole> after_apply(const char* role) {
    Document before = config();
    before.bridges[0].set_role = BridgeRole::Designated;
    nlohmann::json next = nlohmann::json::parse(CONFIG);
    next["bridges"][0]["role"] = role;
    return merged(config(next.dump().c_str()), cli_part(before)).bridges[0].set_role;
}

TEST(BridgeRoles, SetByACommandHoldUntilADocumentNamesAnotherThanTheLast) {
    EXPECT_EQ(after_apply("elected"), BridgeRole::Designated);
    EXPECT_EQ(after_apply("standby"), std::nullopt);
    EXPECT_EQ(after_apply("designated"), std::nullopt);
}

TEST(BridgeRoles, SetByACommandAreNoPartOfTheDocument) {
    Document document = config();
    document.bridges[0].set_role = BridgeRole::Standby;
    EXPECT_EQ(to_json(document)["bridges"][0]["role"], "elected");
    EXPECT_EQ(document.bridges[0].role_now(), BridgeRole::Standby);
    EXPECT_TRUE(document.bridges[0].is_elected());
    EXPECT_EQ(cli_part(document).roles,
              (std::vector<RoleChoice>{{"blue eth1:100", BridgeRole::Elected, BridgeRole::Standby}}));
    EXPECT_EQ(with_roles(config(), cli_part(document)), document);
}

TEST(BridgeRoles, SetByACommandAreAChange) {
    Document after = config();
    after.bridges[0].set_role = BridgeRole::Standby;
    EXPECT_EQ(difference(config(), after), (std::vector<ObjectChange>{{"change", "bridge", "blue eth1:100"}}));
}

}  // namespace
}  // namespace weft
