// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The CLI against a daemon that is a thread with a socket: what is asked, what is shown, and the exit codes.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <thread>

#include "batch.hpp"
#include "help.hpp"
#include "protocol.hpp"
#include "request.hpp"
#include "row.hpp"
#include "run.hpp"

namespace weft::cli {
namespace {

using nlohmann::json;

class Folder {
public:
    Folder() {
        char name[] = "/tmp/weft-cli-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Folder() {
        for (const auto& name : made_) unlink(name.c_str());
        rmdir(path_.c_str());
    }
    std::string file(const std::string& name, const std::string& text = "") {
        const std::string path = path_ + "/" + name;
        if (!text.empty()) std::ofstream(path) << text;
        made_.push_back(path);
        return path;
    }

private:
    std::string path_;
    std::vector<std::string> made_;
};

// Serves one client: each request line gets what `answer` says; ends when the client does.
class FakeDaemon {
public:
    using Answer = std::function<std::string(const std::string&)>;

    FakeDaemon(const std::string& path, Answer answer)
        : answer_(std::move(answer)), listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{.sun_family = AF_UNIX};
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(listener_, 1), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeDaemon() {
        shutdown(listener_, SHUT_RDWR);  // wakes an accept that no client came to
        thread_.join();
        close(listener_);
    }
    // After the client has gone.
    const std::vector<std::string>& requests() {
        if (thread_.joinable()) {
            thread_.join();
            thread_ = std::thread([] {});
        }
        return requests_;
    }

private:
    void serve() {
        const int client = accept(listener_, nullptr, nullptr);
        if (client < 0) return;
        std::string input;
        char buffer[65536];
        for (ssize_t got; (got = read(client, buffer, sizeof buffer)) > 0;) {
            input.append(buffer, static_cast<std::size_t>(got));
            for (std::size_t end; (end = input.find('\n')) != input.npos; input.erase(0, end + 1)) {
                requests_.push_back(input.substr(0, end));
                const std::string line = answer_(requests_.back());
                if (line.empty()) return void(close(client));
                for (std::size_t done = 0; done < line.size() + 1;) {
                    const ssize_t sent =
                        send(client, (line + "\n").data() + done, line.size() + 1 - done, MSG_NOSIGNAL);
                    if (sent <= 0) return void(close(client));
                    done += static_cast<std::size_t>(sent);
                }
            }
        }
        close(client);
    }

    Answer answer_;
    int listener_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

struct Shown {
    int code;
    std::string out, err;
};

Shown weft(std::vector<std::string> words, const std::string& input = "", const char* instance = nullptr) {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = run(words, instance, {in, out, err});
    return {code, out.str(), err.str()};
}

class Cli : public testing::Test {
protected:
    // One command against a daemon that always gives the same answer; the request it saw is in request_.
    Shown ask(std::vector<std::string> words, const std::string& answer, const std::string& input = "") {
        return ask(
            std::move(words), [answer](const std::string&) { return answer; }, input);
    }
    Shown ask(std::vector<std::string> words, FakeDaemon::Answer answer, const std::string& input = "") {
        const std::string socket = folder_.file("weftd.sock");
        unlink(socket.c_str());
        FakeDaemon daemon(socket, std::move(answer));
        words.insert(words.begin(), {"--socket", socket});
        Shown shown = weft(words, input);
        if (shown.code == USAGE) return shown;
        requests_ = daemon.requests();
        request_ = requests_.empty() ? json() : json::parse(requests_[0], nullptr, false);
        return shown;
    }

    Folder folder_;
    std::vector<std::string> requests_;
    json request_;
};

const std::string DONE_ANSWER = R"({"ok":true,"result":null})";

TEST_F(Cli, SendsCommandAndArgumentsOfEveryKind) {
    const Shown shown = ask({"segment", "add", "blue", "--vni", "5001", "--remotes", "192.0.2.2,192.0.2.3", "--remotes",
                             "192.0.2.4", "--learning", "off", "--aging-seconds=60", "--unknown-unicast", "drop"},
                            DONE_ANSWER);
    EXPECT_EQ(shown.code, DONE) << shown.err;
    EXPECT_EQ(shown.out, "");
    EXPECT_EQ(request_, json::parse(R"({"command":"segment add","arguments":{"name":"blue","vni":5001,"learning":false,
        "remotes":["192.0.2.2","192.0.2.3","192.0.2.4"],"aging_seconds":60,"unknown_unicast":"drop"}})"));
}

TEST_F(Cli, TakesOptionsBeforeAndAfterTheNoun) {
    const json wanted = json::parse(R"({"command":"fdb list","arguments":{"segment":"blue","dynamic":true}})");
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--json", "--segment", "blue", "fdb", "list", "--dynamic"},
          {"fdb", "--dynamic", "list", "--segment=blue", "--json"}}) {
        const Shown shown = ask(words, R"({"ok":true,"result":[ {"b":1, "a":2}]})");
        EXPECT_EQ(shown.code, DONE);
        EXPECT_EQ(shown.out, "[ {\"b\":1, \"a\":2}]\n");  // as the daemon wrote it
        EXPECT_EQ(request_, wanted);
    }
}

TEST_F(Cli, TakesNamesByPositionAndByOption) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"port", "show", "tap0"}, {"port", "show", "--interface", "tap0"}}) {
        EXPECT_EQ(ask(words, DONE_ANSWER).code, DONE);
        EXPECT_EQ(request_, json::parse(R"({"command":"port show","arguments":{"interface":"tap0"}})"));
    }
}

TEST_F(Cli, TellsWhyTheDaemonRefused) {
    const Shown shown = ask({"config", "apply", folder_.file("w.json", "{}"), "--dry-run"},
                            R"({"ok":false,"error":"/a: unknown key\n/b: unknown key"})");
    EXPECT_EQ(shown.code, REFUSED);
    EXPECT_EQ(shown.out, "");
    EXPECT_EQ(shown.err, "weft: /a: unknown key\nweft: /b: unknown key\n");
    EXPECT_EQ(request_, json::parse(R"({"command":"config apply","arguments":{"document":"{}","dry_run":true}})"));
}

TEST_F(Cli, SaysWhenTheDaemonGoesAwayOrTalksNonsense) {
    EXPECT_EQ(ask({"status"}, "").err, "weft: weftd closed the connection\n");
    EXPECT_EQ(ask({"status"}, "no json").err, "weft: weftd's answer is no JSON\n");
    EXPECT_EQ(ask({"status"}, "no json").code, REFUSED);
}

TEST_F(Cli, NamesTheInstanceThatHasNoDaemon) {
    const Shown none = weft({"status", "--instance", "no-such-instance"});
    EXPECT_EQ(none.code, NO_DAEMON);
    EXPECT_EQ(none.err,
              "weft: no daemon of instance no-such-instance: /run/weft/no-such-instance/weftd.sock: "
              "No such file or directory\n");
    EXPECT_EQ(weft({"status"}, "", "from-environment").err.substr(0, 48),
              "weft: no daemon of instance from-environment: /r");
    const Shown stale = weft({"status", "--socket", folder_.file("plain", "x")});
    EXPECT_EQ(stale.code, NO_DAEMON);
    EXPECT_NE(stale.err.find("Connection refused"), std::string::npos) << stale.err;
}

struct Misuse {
    std::vector<std::string> words;
    const char* error;
};

TEST(CliUsage, EveryMistakeIsOneLineAndExitsTwo) {
    const std::vector<Misuse> rows = {
        {{}, "no command given; weft --help lists them"},
        {{"fbd", "list"}, "unknown command \"fbd\", did you mean fdb?"},
        {{"colour"}, "unknown command \"colour\"; weft --help lists them"},
        {{"fdb"}, "fdb needs a verb: list, add, set, del, flush"},
        {{"fdb", "lst"}, "fdb has no \"lst\", but list, add, set, del, flush"},
        {{"status", "now"}, "status does not take \"now\""},
        {{"segment", "show", "a", "b"}, "segment show does not take \"b\""},
        {{"segment", "show"}, "segment show needs a name"},
        {{"segment", "show", "a", "--name", "b"}, "--name is given twice"},
        {{"port-group", "add", "a", "--switch", "b"}, "port-group add needs --segment"},
        {{"bridge", "set", "--segment", "a", "--interface", "b"}, "bridge set needs --vlan"},
        {{"bridge", "show"}, "bridge has no \"show\", but list, add, set, del"},
        {{"port-group", "list", "--team-policy", "port"}, "port-group list takes no --team-policy"},
        {{"segment", "add", "a", "--vni", "x"}, "--vni is a number, not \"x\""},
        {{"segment", "add", "a", "--vni", "1x"}, "--vni is a number, not \"1x\""},
        {{"segment", "add", "a", "--vni", "99999999999999999999"}, "--vni is a number, not \"99999999999999999999\""},
        {{"segment", "add", "a", "--vni", "1", "--vni", "2"}, "--vni is given twice"},
        {{"segment", "set", "a", "--learning", "maybe"}, "--learning is on or off, not \"maybe\""},
        {{"segment", "list", "--mac", "x"}, "segment list takes no --mac"},
        {{"fdb", "list", "--mak", "x"}, "unknown option --mak, did you mean --mac?"},
        {{"fdb", "list", "--seg", "x"}, "unknown option --seg, did you mean --segment?"},
        {{"fdb", "list", "--dynamic", "--static"}, "--dynamic excludes --static and --origin"},
        {{"fdb", "list", "--batch", "-"}, "fdb list takes no --batch"},
        {{"fdb", "add", "--mac", "02:00:00:00:00:01"}, "fdb add needs --segment"},
        {{"config", "apply"}, "config apply needs a FILE"},
        {{"--instance", "a/b", "status"}, "instance \"a/b\" is not 1 to 48 of A-Z a-z 0-9 _ -"},
        {{"--instance", std::string(49, 'a'), "status"},
         "instance \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is not 1 to 48 of A-Z a-z 0-9 _ -"},
        {{"--instance"}, "the required argument for option '--instance' is missing"},
    };
    for (const Misuse& row : rows) {
        const Shown shown = weft(row.words);
        EXPECT_EQ(shown.code, USAGE);
        EXPECT_EQ(shown.err, std::string("weft: ") + row.error + "\n");
        EXPECT_EQ(shown.out, "");
    }
}

TEST(CliHelp, NamesEveryCommandAndOption) {
    const Shown all = weft({"--help"});
    EXPECT_EQ(all.code, DONE);
    EXPECT_EQ(all.out.substr(0, 5), "weft ");
    for (const auto& command : protocol::COMMANDS) {
        EXPECT_NE(all.out.find("  " + name(command) + " "), std::string::npos) << name(command);
        const std::string own = weft({std::string(command.noun), "-h"}).out;
        for (const auto& option : command.options)
            EXPECT_NE(own.find("  --" + std::string(option.name)), std::string::npos)
                << name(command) << " " << option.name;
    }
    EXPECT_EQ(weft({"fdb", "add", "--help"}).out, help_text("fdb"));
    EXPECT_EQ(weft({"--version"}).out, version_line());
}

TEST(CliTable, IsOfOnePiece) {
    std::map<std::string_view, bool>
        flags;  // an option is a flag everywhere or nowhere: it is read before its noun is known
    for (const auto& command : protocol::COMMANDS) {
        EXPECT_EQ(protocol::find(name(command)), &command);
        for (const auto& option : command.options) {
            const bool flag = option.kind == protocol::Kind::Flag;
            EXPECT_EQ(flags.emplace(option.name, flag).first->second, flag) << option.name;
        }
        std::istringstream required{std::string(command.required)};
        for (std::string one; required >> one;)
            EXPECT_TRUE(one == "file" || protocol::find_option(command, one)) << name(command) << " " << one;
    }
}

TEST(CliConfigCheck, NeedsNoDaemon) {
    Folder folder;
    const std::string good =
        folder.file("good.json", R"({"vtep": {"address": "192.0.2.1"}, "hosts": {"h": {"vtep": {"ttl": 0}}}})");
    EXPECT_EQ(weft({"config", "check", folder.file("empty.json", " ")}).err, "weft: the document is empty\n");
    const Shown wrong = weft({"config", "check", good});
    EXPECT_EQ(wrong.code, REFUSED);
    EXPECT_EQ(wrong.err, "weft: /hosts/h/vtep/ttl: is 0, smallest is 1\n");
    EXPECT_EQ(weft({"config", "check", good, "--json"}).out,
              "[{\"path\":\"/hosts/h/vtep/ttl\",\"what\":\"is 0, smallest is 1\"}]\n");
    const std::string hosts = folder.file("hosts.json", R"({"hosts": {"h": {"vtep": {"ttl": 1}}}})");
    EXPECT_EQ(weft({"config", "check", hosts}).out, hosts + ": good\n");
    EXPECT_EQ(weft({"config", "check", hosts, "--host", "h"}).err, "weft: /vtep/address: is missing\n");
    EXPECT_EQ(weft({"config", "check", "-"}, "{}").out, "-: good\n");
    EXPECT_EQ(weft({"config", "check", "/no/such/file"}).err, "weft: /no/such/file: No such file or directory\n");
    EXPECT_EQ(weft({"config", "check", "/tmp"}).err, "weft: /tmp: Is a directory\n");
    EXPECT_EQ(weft({"config", "check", "/tmp"}).code, REFUSED);
}

// A daemon that takes rows with a "mac" and refuses the others.
std::string take_rows(const std::string& line) {
    const auto request = read_request(line);
    if (!request || !request->batch) return R"({"ok":false,"error":"bad request"})";
    RowReader reader(request->arguments);
    json errors = json::array();
    std::uint64_t number = request->first_line, done = 0;
    for (const std::string_view text : *request->batch) {
        const auto row = reader.read(text);
        if (row && row->mac)
            ++done;
        else
            errors.push_back({{"line", number}, {"error", row ? "mac is missing" : row.error().what}});
        ++number;
    }
    return json{{"ok", true}, {"result", {{"done", done}, {"errors", errors}}}}.dump();
}

TEST_F(Cli, BatchTriesEveryLineAndNamesTheWrongOnes) {
    const Shown shown = ask({"fdb", "add", "--batch", "-", "--segment", "blue"}, take_rows,
                            "{\"mac\":\"1\"}\n"
                            "nonsense\n"
                            "\n"
                            "  {\"mac\":\"}\\\"{\"}\t\r\n"
                            "{\"mac\":2},{\"mac\":3}\n"
                            "{\"mac\" 4}\n"
                            "{\"port\":\"5\"}\n"
                            "{\"mac\":\"6\"}");
    EXPECT_EQ(shown.code, REFUSED);
    EXPECT_EQ(shown.out, "3 done, 4 refused\n");
    for (const char* one : {"weft: line 2: not a JSON object\n", "weft: line 5: not a JSON object\n",
                            "weft: line 6: line 1, column 8: syntax error", "weft: line 7: mac is missing\n"})
        EXPECT_NE(shown.err.find(one), std::string::npos) << shown.err;
    EXPECT_EQ(std::ranges::count(shown.err, '\n'), 4);
    EXPECT_EQ(request_["arguments"], (json{{"segment", "blue"}}));
}

TEST_F(Cli, BatchIsSentInChunksWithTheirLineNumbers) {
    std::string rows;
    for (int i = 0; i < 10000; ++i) rows += "{\"mac\":\"" + std::to_string(i) + "\"}\n";
    const Shown shown = ask({"fdb", "set", "--batch", folder_.file("rows", rows), "--json"}, take_rows);
    EXPECT_EQ(shown.code, DONE) << shown.err;
    EXPECT_EQ(json::parse(shown.out), (json{{"done", 10000}, {"refused", 0}}));
    ASSERT_EQ(requests_.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        const json request = json::parse(requests_[i]);
        EXPECT_EQ(request["first_line"], 1 + i * 4096);
        EXPECT_EQ(request["batch"][0]["mac"], std::to_string(i * 4096));
    }
}

TEST_F(Cli, BatchWithManyErrorsDoesNotDeadlock) {
    std::string rows;
    for (int i = 0; i < 50000; ++i)
        rows += "{\"no\":" + std::to_string(i) + ",\"fill\":\"" + std::string(100, 'x') + "\"}\n";
    const Shown shown = ask({"neighbor", "add", "--batch", "-"}, take_rows, rows);
    EXPECT_EQ(shown.code, REFUSED);
    EXPECT_EQ(shown.out, "0 done, 50000 refused\n");
    EXPECT_NE(shown.err.find("weft: line 50000: mac is missing\n"), std::string::npos);
}

TEST_F(Cli, BatchThatTheDaemonDoesNotTakeIsRefusedOnce) {
    const Shown shown = ask({"fdb", "add", "--batch", "-"}, R"({"ok":false,"error":"not now"})", "{}\n{}\n");
    EXPECT_EQ(shown.code, REFUSED);
    EXPECT_EQ(shown.err, "weft: not now\n");
    EXPECT_EQ(weft({"fdb", "add", "--batch", "/no/such", "--socket", "/no/such"}).code, NO_DAEMON);
}

TEST(BatchLine, HoldsExactlyOneObject) {
    for (const char* good : {"{}", R"({"a":[{"b":"]}"}]})", R"({"a":"\"}"})", R"({"a" 1})"})
        EXPECT_TRUE(is_one_object(good)) << good;
    for (const char* bad : {"", "[]", "{", "}", "{}}", "{},{}", R"({"a":"})", R"({"a":"\)", "{]}", " {}", "5"})
        EXPECT_FALSE(is_one_object(bad)) << bad;
    EXPECT_FALSE(is_one_object(std::string_view("{\0}", 3)));
    EXPECT_FALSE(is_one_object(std::string_view("{\"\\\0\":1}", 7)));
}

TEST_F(Cli, ListsAreTablesInTheOrderOfTheirColumns) {
    const Shown shown = ask(
        {"fdb", "list"},
        R"({"ok":true,"result":[{"age_seconds":null,"mac":"02:00:00:00:00:02","origin":"config","remote":"192.0.2.2","segment":"blue","vni":5001},)"
        R"({"age_seconds":7,"mac":"02:00:00:00:00:03","origin":"dynamic","port":"tap0","segment":"blue","vni":5001,"zeal":true}]})");
    const std::string all = shown.out;
    EXPECT_EQ(all,
              "segment  vni   mac                port  remote     origin   age_seconds  zeal\n"
              "blue     5001  02:00:00:00:00:02  -     192.0.2.2  config   -            -\n"
              "blue     5001  02:00:00:00:00:03  tap0  -          dynamic  7            yes\n");
    EXPECT_EQ(ask({"fdb", "list"}, R"({"ok":true,"result":[]})").out, "");
}

TEST(Completion, HasEveryCommandAndOptionOfTheTable) {
    std::ostringstream out, err;
    std::istringstream in;
    ASSERT_EQ(run({"completion", "bash"}, nullptr, {in, out, err}), DONE);
    const std::string text = out.str();
    for (const auto& command : protocol::COMMANDS) {
        const auto at = text.find("\n    \"" + name(command) + "\") echo ");
        ASSERT_NE(at, text.npos) << name(command);
        const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1) + " ";
        for (const auto& option : command.options)
            EXPECT_TRUE(std::regex_search(line, std::regex("--" + std::string(option.name) + "[ \"]"))) << line;
    }
}

TEST(Completion, TakesTheValuesOfAKeyFromTheSchema) {
    std::ostringstream out, err;
    std::istringstream in;
    ASSERT_EQ(run({"completion", "bash"}, nullptr, {in, out, err}), DONE);
    EXPECT_TRUE(std::regex_search(out.str(),
                                  std::regex("\"segment set --arp\"[^\n]* echo \"off suppress strict local-proxy\"")));
    EXPECT_TRUE(std::regex_search(out.str(), std::regex("\"switch add --team-detection\"[^\n]* echo \"link beacon\"")));
}

}  // namespace
}  // namespace weft::cli
