// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "batch.hpp"

#include <deque>
#include <nlohmann/json.hpp>
#include <vector>

#include "text.hpp"

namespace weft::cli {

namespace {

using nlohmann::json;

constexpr std::size_t ROWS_PER_REQUEST = 4096;
constexpr std::size_t BYTES_PER_REQUEST = 1 << 20;  // the daemon takes lines of 16 MiB
constexpr std::size_t REQUESTS_AHEAD = 2;           // one that the daemon works on, one that waits for it

struct Row {
    std::uint64_t line;
    std::string text;
};

// Rows on consecutive lines: the daemon counts from the first.
struct Chunk {
    std::vector<Row> rows;
    std::size_t bytes = 0;
};

class Batch {
public:
    Batch(Client& client, const std::string& head,
          const std::function<void(std::uint64_t, const std::string&)>& refused)
        : client_(client), head_(head), refused_(refused) {}

    Result<BatchOutcome> run(std::istream& rows) {
        std::string text;
        for (std::uint64_t line = 1; std::getline(rows, text); ++line) TRY_OK(take({line, trimmed(text)}));
        TRY_OK(flush());
        while (!waiting_.empty()) TRY_OK(receive_one());
        return outcome_;
    }

private:
    static std::string trimmed(const std::string& text) {
        const auto from = text.find_first_not_of(" \t\r");
        return from == text.npos ? "" : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
    }

    Result<> take(Row row) {
        const bool good = is_one_object(row.text);
        if (!good) {
            if (!row.text.empty()) refuse(row.line, "not a JSON object");
            return flush();  // a gap in the line numbers
        }
        next_.bytes += row.text.size();
        next_.rows.push_back(std::move(row));
        return next_.rows.size() < ROWS_PER_REQUEST && next_.bytes < BYTES_PER_REQUEST ? Ok{} : flush();
    }

    void refuse(std::uint64_t line, const std::string& why) {
        ++outcome_.refused;
        refused_(line, why);
    }

    Result<> flush() {
        if (next_.rows.empty()) return Ok{};
        while (waiting_.size() >= REQUESTS_AHEAD) TRY_OK(receive_one());
        TRY_OK(send(next_));
        waiting_.push_back(std::exchange(next_, {}));
        return Ok{};
    }

    Result<> send(const Chunk& chunk) {
        std::string request = head_ + R"(,"first_line":)" + std::to_string(chunk.rows.front().line) + R"(,"batch":[)";
        request.reserve(request.size() + chunk.bytes + chunk.rows.size() + 2);
        for (const Row& row : chunk.rows) request.append(row.text).push_back(',');
        request.back() = ']';
        request.push_back('}');
        return client_.send(request);
    }

    Result<> receive_one() {
        TRY(const std::string answer, client_.receive());
        Chunk chunk = std::move(waiting_.front());
        waiting_.pop_front();
        const json parsed = json::parse(answer, nullptr, false);
        if (!parsed.is_object()) return fail(EPROTO, "weftd's answer is no JSON");
        if (parsed.value("ok", false)) return take_result(parsed["result"]);
        return refused_whole(std::move(chunk), parsed.value("error", "refused without a reason"));
    }

    Result<> take_result(const json& result) {
        if (!result.is_object()) return fail(EPROTO, "weftd's answer to a batch has no result");
        outcome_.done += result.value("done", std::uint64_t{0});
        for (const json& one : result.value("errors", json::array()))
            refuse(one.value("line", std::uint64_t{0}), one.value("error", ""));
        return Ok{};
    }

    // One line that is no JSON spoils its request: it is found here, and the lines around it are sent again.
    Result<> refused_whole(Chunk chunk, const std::string& why) {
        bool spoiled = false;
        std::deque<Chunk> again(1);
        for (Row& row : chunk.rows) {
            if (json::accept(row.text)) {
                again.back().bytes += row.text.size();
                again.back().rows.push_back(std::move(row));
                continue;
            }
            spoiled = true;
            std::vector<Complaint> complaints;
            read_json(row.text, complaints);
            refuse(row.line, complaints.empty() ? "no JSON" : complaints.front().what);
            again.emplace_back();
        }
        if (!spoiled) return fail(EINVAL, why);  // not the rows: the daemon does not take the command
        for (Chunk& one : again) {
            if (one.rows.empty()) continue;
            TRY_OK(send(one));
            waiting_.push_back(std::move(one));
        }
        return Ok{};
    }

    Client& client_;
    const std::string& head_;
    const std::function<void(std::uint64_t, const std::string&)>& refused_;
    Chunk next_;
    std::deque<Chunk> waiting_;  // sent, in the order of their answers
    BatchOutcome outcome_;
};

}  // namespace

bool is_one_object(std::string_view line) {
    if (line.empty() || line.front() != '{') return false;
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '\0') return false;  // the JSON parser takes it for the end
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
