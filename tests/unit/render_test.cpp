// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the CLI makes of an answer for people to read.
#include "render.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "protocol.hpp"

namespace weft::cli {
namespace {

using nlohmann::json;

TEST(Render, ShowsAnObjectLineByLine) {
    const json shown = {
        {"interface", "tap0"},
        {"warnings", {"first warning", "second"}},
        {"remotes", {"a", "b"}},
        {"none", json::array()},
        {"counters", {{"DROP_A", {{"packets", 1}, {"bytes", 60}}}, {"TX", {{"packets", 12}, {"bytes", 700}}}}},
        {"flood", {{"ports", 2}}}};
    EXPECT_EQ(render(shown, "interface remotes"),
              "interface  tap0\nremotes    a,b\nnone       -\n"
              "counters  bytes  packets\nDROP_A    60     1\nTX        700    12\n"
              "flood\n  ports  2\n"
              "warnings\n  first warning\n  second\n");
    EXPECT_EQ(render({{"problems", json::array()},
                      {"warnings", json::array()},
                      {"changes", {{{"action", "add"}, {"object", "segment"}, {"name", "red"}}}}},
                     "action object name"),
              "changes\n  action  object   name\n  add     segment  red\n");
    EXPECT_EQ(render({{"name", "web"},
                      {"trunk", {"100-199", "300"}},
                      {"limits", {{"from_port", {{"average_kbps", 5}}}, {"to_port", json::object()}}},
                      {"team", json::object()}},
                     "name trunk team limits"),
              "name   web\ntrunk  100-199,300\nteam   -\nlimits     average_kbps\nfrom_port  5\nto_port    -\n");
    EXPECT_EQ(render(json(), ""), "");
    EXPECT_EQ(render(json(3), ""), "3\n");
    EXPECT_EQ(render(json{{"flushed", 3}}, ""), "flushed  3\n");
}

TEST(Render, ListsBridgesAndWhatIsBehindThem) {
    const json bridge = {{"segment", "blue"},  {"interface", "eth1"},      {"vlan", 100},
                         {"owner", "cli"},     {"tag_protocol", "802.1q"}, {"role", "standby"},
                         {"state", "standby"}, {"given_role", "elected"},  {"virtual_router_id", 7},
                         {"priority", 100}};
    EXPECT_EQ(
        render(json::array({bridge}), protocol::find("bridge list")->columns),
        "segment  interface  vlan  tag_protocol  role     state    given_role  virtual_router_id  priority  owner\n"
        "blue     eth1       100   802.1q        standby  standby  elected     7                  100       cli\n");
    const json entry = {{"segment", "blue"}, {"vni", 1}, {"mac", "a"}, {"bridge", "eth1:100"}};
    EXPECT_EQ(render(json::array({entry}), protocol::find("fdb list")->columns),
              "segment  vni  mac  bridge\nblue     1    a    eth1:100\n");
}

}  // namespace
}  // namespace weft::cli
