// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "request.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using nlohmann::json;

TEST(Request, IsReadByTheTable) {
    const auto good =
        read_request(R"({"command":"fdb add","arguments":{"segment":"a"},"batch":[{}, 5],"first_line":7})");
    ASSERT_TRUE(good);
    EXPECT_EQ(protocol::name(*good->command), "fdb add");
    EXPECT_EQ(good->arguments, (json{{"segment", "a"}}));
    EXPECT_EQ(good->batch->size(), 2u);
    EXPECT_EQ(good->first_line, 7u);
    EXPECT_TRUE(read_request(R"({"command":"config apply","arguments":{"document":"{}","dry_run":true}})"));
    EXPECT_TRUE(read_request(R"({"command":"status"})"));
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
        {R"({"command":"fdb add","batch":{}})", "\"batch\" is no array"},
        {R"({"command":"fdb add","batch":[],"first_line":-1})", "\"first_line\" is no line number"},
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

}  // namespace
}  // namespace weft
