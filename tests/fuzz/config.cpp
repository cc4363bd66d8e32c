// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Any text is a document or has complaints; a good document comes back from its own JSON, and complaints have no line
// feeds, since each is shown on a line.
#include "config.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

#include "expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const char* host : {"", "host-a"}) {
        const Parsed parsed = parse_config(text, host);
        for (const Complaint& one : parsed.complaints) {
            FUZZ_EXPECT(one.path.find('\n') == std::string::npos && one.what.find('\n') == std::string::npos);
            FUZZ_EXPECT(!one.what.empty() && (one.path.empty() || one.path[0] == '/'));
        }
        if (!parsed.complaints.empty()) continue;
        FUZZ_EXPECT(check(parsed.document).empty());
        const Parsed again = parse_config(to_json(parsed.document).dump(), "");
        FUZZ_EXPECT(again.complaints.empty());
        FUZZ_EXPECT(again.document == parsed.document);
    }
    return 0;
}
