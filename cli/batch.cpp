// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "batch.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace weft::cli {

namespace {

using nlohmann::json;

constexpr std::size_t ROWS_PER_REQUEST = 4096;
constexpr std::size_t BYTES_PER_REQUEST = 1 << 20;  // the daemon takes lines of 16 MiB
constexpr std::size_t REQUESTS_AHEAD = 2;           // one that the daemon works on, one that waits for it

class Batch {
public:
    Batch(Client& client, const std::string& head,
          const std::function<void(std::uint64_t, const std::string&)>& refused)
        : client_(client), head_(head), refused_(refused) {}

    Result<BatchOutcome> run(std::istream& rows) {
        std::string text;
        for (std::uint64_t line = 1; std::getline(rows, text); ++line) TRY_OK(take(line, trimmed(text)));
        TRY_OK(flush());
        while (waiting_ > 0) TRY_OK(receive_one());
        return outcome_;
    }

private:
    static std::string_view trimmed(std::string_view text) {
        const auto from = std::min(text.find_first_not_of(" \t\r"), text.size());
        return text.substr(from, text.find_last_not_of(" \t\r") + 1 - from);
    }

    // Rows of a request are those of consecutive lines: the daemon counts from the first.
    Result<> take(std::uint64_t line, std::string_view row) {
        if (!is_one_object(row)) {
            if (!row.empty()) refuse(line, "not a JSON object");
            return flush();
        }
        if (rows_ == 0) request_ = head_ + R"(,"first_line":)" + std::to_string(line) + R"(,"batch":[)";
        request_.append(row).push_back(',');
        return ++rows_ < ROWS_PER_REQUEST && request_.size() < BYTES_PER_REQUEST ? Ok{} : flush();
    }

    void refuse(std::uint64_t line, const std::string& why) {
        ++outcome_.refused;
        refused_(line, why);
    }

    Result<> flush() {
        if (rows_ == 0) return Ok{};
        while (waiting_ >= REQUESTS_AHEAD) TRY_OK(receive_one());
        request_.back() = ']';
        TRY_OK(client_.send(request_ += '}'));
        ++waiting_;
        rows_ = 0;
        return Ok{};
    }

    Result<> receive_one() {
        TRY(const std::string answer, client_.receive());
        --waiting_;
        const json parsed = json::parse(answer, nullptr, false);
        if (!parsed.is_object()) return fail(EPROTO, "weftd's answer is no JSON");
        if (!parsed.value("ok", false)) return fail(EINVAL, parsed.value("error", "refused without a reason"));
        const json result = parsed.value("result", json());
        if (!result.is_object()) return fail(EPROTO, "weftd's answer to a batch has no result");
        outcome_.done += result.value("done", std::uint64_t{0});
        for (const json& one : result.value("errors", json::array()))
            refuse(one.value("line", std::uint64_t{0}), one.value("error", ""));
        return Ok{};
    }

    Client& client_;
    const std::string& head_;
    const std::function<void(std::uint64_t, const std::string&)>& refused_;
    std::string request_;  // with a comma behind each row
    std::size_t rows_ = 0;
    std::size_t waiting_ = 0;  // requests sent whose answers have not come
    BatchOutcome outcome_;
};

}  // namespace

bool is_one_object(std::string_view line) {
    if (line.empty() || line.front() != '{') return false;
    if (line.find('\0') != line.npos) return false;  // the JSON parser takes it for the end
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1 == line.size();
        }
    }
    return false;
}

Result<BatchOutcome> run_batch(Client& client, std::istream& rows, const std::string& head,
                               const std::function<void(std::uint64_t, const std::string&)>& refused) {
    return Batch(client, head, refused).run(rows);
}

}  // namespace weft::cli
