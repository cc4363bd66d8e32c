// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "run.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "args.hpp"
#include "batch.hpp"
#include "client.hpp"
#include "completion.hpp"
#include "config.hpp"
#include "help.hpp"
#include "monitor.hpp"
#include "render.hpp"

namespace weft::cli {

namespace {

using nlohmann::json;

class Run {
public:
    Run(const Invocation& call, Streams streams) : call_(call), streams_(streams) {}

    int operator()() {
        const std::string command = name(*call_.command);
        if (command == "config check") return check_config();
        if (!call_.file.empty()) return apply();
        auto client = Client::connect(call_.socket);
        if (!client) return no_daemon(client.error());
        if (call_.command->stream) return listen(*client);
        return call_.batch ? batch(*client) : ask(*client, call_.arguments);
    }

private:
    // Each line of what is a line of its own: a document's complaints come together.
    int complain(const std::string& what, ExitCode code) {
        std::istringstream lines(what);
        for (std::string line; std::getline(lines, line);) streams_.err << "weft: " << line << "\n";
        return code;
    }

    int no_daemon(const Error& error) {
        const std::string hint = error.code == EACCES ? " (the socket is for root and the group weft)" : "";
        return complain("no daemon of instance " + call_.instance + ": " + error.what + hint, NO_DAEMON);
    }

    std::string request_head(const std::string& arguments) const {
        return R"({"command":")" + name(*call_.command) + R"(","arguments":)" + arguments;
    }

    Result<std::string> read_file(const std::string& path) {
        if (std::filesystem::is_directory(path)) return fail_errno(path, EISDIR);  // opens, and throws when read
        std::ifstream file;
        if (path != "-") file.open(path);
        if (!file) return fail_errno(path);
        std::istream& from = path == "-" ? streams_.in : file;
        std::string text(std::istreambuf_iterator<char>(from), {});
        if (from.bad()) return fail_errno(path, EIO);
        return text;
    }

    static std::string host_name() {
        char name[256] = {};
        return gethostname(name, sizeof name - 1) == 0 ? name : "";
    }

    int check_config() {
        const auto text = read_file(call_.file);
        if (!text) return complain(text.error().what, REFUSED);
        const auto complaints = parse_config(*text, call_.host.empty() ? host_name() : call_.host).complaints;
        if (call_.json) {
            json out = json::array();
            for (const auto& [path, what] : complaints) out.push_back({{"path", path}, {"what", what}});
            streams_.out << out.dump() << "\n";
        }
        if (!complaints.empty()) return complain(weft::text(complaints), REFUSED);
        if (!call_.json) streams_.out << call_.file << ": good\n";
        return DONE;
    }

    int apply() {
        const auto text = read_file(call_.file);
        if (!text) return complain(text.error().what, REFUSED);
        json arguments = json::parse(call_.arguments);
        arguments["document"] = *text;
        auto client = Client::connect(call_.socket);
        if (!client) return no_daemon(client.error());
        // What is no UTF-8 is no JSON either; replaced, the daemon still says where.
        return ask(*client, arguments.dump(-1, ' ', false, json::error_handler_t::replace));
    }

    int ask(Client& client, const std::string& arguments) {
        const auto sent = client.send(request_head(arguments) + "}");
        const auto answer = client.receive();  // a refusal may come though the request was not read to its end
        if (!answer) return complain(sent ? answer.error().what : sent.error().what, REFUSED);
        return show(*answer);
    }

    int listen(Client& client) {
        const auto sent = client.send(request_head(call_.arguments) + "}");
        const auto answer = client.receive();
        if (!answer) return complain(sent ? answer.error().what : sent.error().what, REFUSED);
        const json parsed = json::parse(*answer, nullptr, false);
        if (!parsed.is_object()) return complain("weftd's answer is no JSON", REFUSED);
        if (!parsed.value("ok", false)) return complain(parsed.value("error", "refused without a reason"), REFUSED);
        const auto ended = show_stream(client, streams_.out, call_.json ? nullptr : &call_.command->columns);
        return ended ? int{DONE} : no_daemon(ended.error());
    }

    int show(const std::string& answer) {
        constexpr std::string_view GOOD = R"({"ok":true,"result":)";
        if (call_.json && answer.starts_with(GOOD) && answer.ends_with('}')) {
            streams_.out << std::string_view(answer).substr(GOOD.size(), answer.size() - GOOD.size() - 1) << "\n";
            return finish(DONE);
        }
        const json parsed = json::parse(answer, nullptr, false);
        if (!parsed.is_object()) return complain("weftd's answer is no JSON", REFUSED);
        if (!parsed.value("ok", false)) return complain(parsed.value("error", "refused without a reason"), REFUSED);
        const json result = parsed.value("result", json());
        if (call_.json)
            streams_.out << result.dump() << "\n";
        else if (name(*call_.command) == "config show")
            streams_.out << result.dump(2) << "\n";
        else
            streams_.out << render(result, call_.command->columns);
        return finish(DONE);
    }

    int finish(ExitCode code) {
        streams_.out.flush();
        return streams_.out ? code : complain("write the output: failed", REFUSED);
    }

    int batch(Client& client) {
        std::ifstream file;
        if (*call_.batch != "-") {
            file.open(*call_.batch);
            if (!file) return complain(*call_.batch + ": " + std::strerror(errno), REFUSED);
        }
        const auto refused = [&](std::uint64_t line, const std::string& why) {
            complain("line " + std::to_string(line) + ": " + why, REFUSED);
        };
        std::istream& rows = *call_.batch == "-" ? streams_.in : file;
        const auto outcome = run_batch(client, rows, request_head(call_.arguments), refused);
        if (!outcome) return complain(outcome.error().what, REFUSED);
        if (call_.json)
            streams_.out << json{{"done", outcome->done}, {"refused", outcome->refused}}.dump() << "\n";
        else
            streams_.out << outcome->done << " done, " << outcome->refused << " refused\n";
        return finish(outcome->refused ? REFUSED : DONE);
    }

    const Invocation& call_;
    Streams streams_;
};

}  // namespace

int run(const std::vector<std::string>& words, const char* environment_instance, Streams streams) {
    if (words == std::vector<std::string>{"completion", "bash"}) {  // for the build, so in no list of commands
        streams.out << completion_text();
        return DONE;
    }
    const auto call = parse_args(words, environment_instance);
    if (!call) {
        streams.err << "weft: " << call.error().what << "\n";
        return USAGE;
    }
    if (call->version) {
        streams.out << version_line();
        return DONE;
    }
    if (call->help) {
        streams.out << help_text(call->noun);
        return DONE;
    }
    return Run(*call, streams)();
}

}  // namespace weft::cli
