// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "request.hpp"

#include <gtest/gtest.h>

#include "row.hpp"

namespace weft {
namespace {

using nlohmann::json;

TEST(Request, IsReadByTheTable) {
    const auto good =
        read_request(R"({"command":"fdb add","arguments":{"segment":"a"},"batch":[{}, 5],"first_line":7})");
    ASSERT_TRUE(good);
    EXPECT_EQ(protocol::name(*good->command), "fdb add");
    EXPECT_EQ(good->arguments, (json{{"segment", "a"}}));
    EXPECT_EQ(*good->batch, (std::vector<std::string_view>{"{}", "5"}));
    EXPECT_EQ(good->first_line, 7u);
    EXPECT_TRUE(read_request(R"({"command":"config apply","arguments":{"document":"{}","dry_run":true}})"));
    EXPECT_TRUE(read_request(R"({"command":"status"})"));
    EXPECT_TRUE(
        read_request(R"({"command":"port-group set","arguments":{"name":"g","limits_to_port_peak_kbps":"none"}})"));
    EXPECT_TRUE(read_request(R"({"command":"bridge set","arguments":{"segment":"a","interface":"b","vlan":1}})"));
}

TEST(Request, SaysWhatIsWrongWithIt) {
    const std::pair<const char*, const char*> rows[] = {
        {"", "the request is no JSON: the document is empty"},
        {"5", "a request is a JSON object with a \"command\""},
        {R"({"command":5})", "a request is a JSON object with a \"command\""},
        {R"({"command":"fdb"})", "unknown command \"fdb\""},
        {R"({"command":"fdb list","arguments":[]})", "\"arguments\" is no object"},
        {R"({"command":"fdb list","arguments":{"segmnt":"a"}})", "fdb list takes no \"segmnt\", did you mean segment?"},
        {R"({"command":"fdb list","batch":[]})", "fdb list takes no batch"},
        {R"({"command":"bridge show"})", "unknown command \"bridge show\""},
        {R"({"command":"port-group add","arguments":{"team":{}}})",
         "port-group add takes no \"team\", did you mean team_policy?"},
        {R"({"command":"switch add","arguments":{"team-policy":"port"}})",
         "switch add takes no \"team-policy\", did you mean team_policy?"},
        {R"({"command":"fdb add","batch":{}})", "\"batch\" is no array"},
        {R"({"command":"fdb add","batch":[],"first_line":-1})", "\"first_line\" is no line number"},
        {R"({"command":"fdb add","batch":[{})",
         "the request is no JSON: line 1, column 33: syntax error while parsing "
         "array - unexpected end of input; expected ']'"},
        {R"({"command":"fdb add","b\u0061tch":[{}]})", "\"batch\" is to be written without escapes"},
        {R"({"command":"status","colour":1})", "a request has no \"colour\""},
    };
    for (const auto& [line, what] : rows) {
        const auto read = read_request(line);
        ASSERT_FALSE(read) << line;
        EXPECT_EQ(read.error().what, what);
    }
    EXPECT_FALSE(read_request(std::string_view("{\"command\":\"status\"}\0", 22)));
    EXPECT_TRUE(
        read_request("{\"command\": \"\xff\"}").error().what.starts_with("the request is no JSON: line 1, column "));
}

TEST(Request, LeavesTheRowsOfABatchAsText) {
    using Rows = std::vector<std::string_view>;
    const std::pair<const char*, Rows> rows[] = {
        {R"([])", {}},
        {R"([ ])", {}},
        {R"([ {"a":[1,{}]} , "]}," ])", {R"({"a":[1,{}]} )", R"("]}," )"}},
        {R"([{"a":"\"}]"},{"b" 1}])", {R"({"a":"\"}]"})", R"({"b" 1})"}},
        {R"([,5,])", {"", "5", ""}},
    };
    for (const auto& [batch, want] : rows)
        for (const std::string& line : {R"({"command":"fdb add","batch":)" + std::string(batch) + R"(,"first_line":3})",
                                        R"({ "first_line" : 3, "batch" : )" + std::string(batch) +
                                            R"( , "arguments": {}, "command":"fdb add" })"}) {
            const auto read = read_request(line);
            ASSERT_TRUE(read) << line << read.error().what;
            EXPECT_EQ(*read->batch, want) << line;
            EXPECT_EQ(read->first_line, 3u);
        }
}

const EntryRow LISTED = {
    .segment = "blue", .mac = "02:00:00:00:00:02", .remote = "192.0.2.2", .origin = "cli", .vni = 5001};

TEST(Row, IsReadAsListPrintsIt) {
    const json none = json::object();
    RowReader reader(none);
    const auto row = reader.read(R"({"segment":"blue","vni":5001,"mac":"02:00:00:00:00:02","remote":"192.0.2.2",)"
                                 R"("origin":"cli","age_seconds":null})");
    ASSERT_TRUE(row);
    EXPECT_EQ(*row, LISTED);
    EXPECT_EQ(*reader.read(R"({"mac":"a","dynamic":true,"static":false,"age_seconds":7,"port":"p","ip":"i"})"),
              (EntryRow{.mac = "a", .ip = "i", .port = "p", .age_seconds = 7, .dynamic = true}));
    EXPECT_EQ(*reader.read(R"({"mac":"a","bridge":"eth1:100"})"), (EntryRow{.mac = "a", .bridge = "eth1:100"}));
}

TEST(Row, TakesFromTheArgumentsWhatItDoesNotSay) {
    const json defaults = json::parse(R"({"segment":"red","vni":7,"dynamic":true})");
    RowReader reader(defaults);
    EXPECT_EQ(*reader.read(R"({"segment":"blue","vni":null})"), (EntryRow{.segment = "blue", .dynamic = true}));
    EXPECT_EQ(*reader.read(" {} "), (EntryRow{.segment = "red", .vni = 7, .dynamic = true}));
    EXPECT_EQ(reader.read("{} {}").error().what.substr(0, 16), "line 1, column 4");
}

// Each spelling takes the JSON parser's way, or would if it were not plain; both must say what the parser says.
TEST(Row, MeansWhatTheJsonParserSaysItMeans) {
    const json defaults = {{"segment", "blue"}};
    const char* rows[] = {
        "{}",
        " { } ",
        R"({"mac":"a"})",
        R"({"mac":"\u0061"})",
        R"({"mac":"\"}"})",
        "{\"mac\":\"\u00e4\"}",
        R"({"mac":"a","mac":"b"})",
        R"({"mac":null})",
        R"({"segment":null})",
        R"({"mac":5})",
        R"({"bridge":5})",
        R"({"bridge":"a:1"})",
        R"({"vni":"5"})",
        R"({"vni":-1})",
        R"({"vni":1.0})",
        R"({"vni":1e2})",
        R"({"vni":0})",
        R"({"vni":18446744073709551615})",
        R"({"vni":18446744073709551616})",
        R"({"dynamic":1})",
        R"({"static":true})",
        R"({"static":"yes"})",
        R"({"zeal":[{"mac":"x"}],"mac":"b"})",
        R"({"zeal":-1.5e3})",
        R"({"zeal":"\n"})",
        R"({"age_seconds":null})",
        R"({"mac" : "a" , "vni" : 3 })",
    };
    for (const char* text : rows) {
        json whole = defaults;
        whole.update(json::parse(text));
        const auto want = entry_row(whole);
        RowReader reader(defaults);
        const auto got = reader.read(text);
        ASSERT_EQ(got.has_value(), want.has_value()) << text;
        if (want) {
            EXPECT_EQ(*got, *want) << text;
        } else {
            EXPECT_EQ(got.error().what, want.error().what) << text;
        }
    }
    RowReader reader(defaults);
    for (const char* bad :
         {"", "[]", "5", "{", "{\"mac\":\"a\"", "{\"mac\" 1}", "{\"vni\":01}", "{\"vni\":1 2}", "{,}",
          "{\"mac\":\"a\",}", "{\"mac\":\"\n\"}", "{\"mac\":tru}", "{\"mac\":\"\xff\"}", "{\"vni\":1"})
        EXPECT_FALSE(reader.read(bad)) << bad;
    EXPECT_FALSE(reader.read(std::string_view("{\"a\":1}\0", 8)));
}

}  // namespace
}  // namespace weft
