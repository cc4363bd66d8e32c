// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// weftd's command line. Exit 0, 1 with the reason on stderr, 2 for wrong usage; exceptions of Boost.Program_options
// stop here.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <iostream>

#include "daemon.hpp"

namespace {

using namespace weft;
namespace po = boost::program_options;

struct Arguments {
    EngineOptions engine;
    std::string log_level;
    bool attach = false, detach = false, version = false, help = false;
};

po::options_description describe(Arguments& to) {
    const char* instance = std::getenv("WEFT_INSTANCE");
    po::options_description options("weftd: the daemon of weft");
    auto add = options.add_options();
    add("config", po::value(&to.engine.config_file)->value_name("FILE"), "configuration document");
    add("instance", po::value(&to.engine.instance)->value_name("NAME")->default_value(instance ? instance : "default"),
        "one of several daemons on this machine, one per network namespace; WEFT_INSTANCE");
    add("host", po::value(&to.engine.host)->value_name("NAME"),
        "whose part of the document's hosts (the machine's name)");
    add("log-level", po::value(&to.log_level)->value_name("LEVEL")->default_value("info"),
        "trace, debug, info, warning, error or off");
    add("attach", po::bool_switch(&to.attach), "do what needs CAP_SYS_ADMIN, then end (the unit's ExecStartPre)");
    add("detach", po::bool_switch(&to.detach), "take every trace of the instance away, then end");
    add("version", po::bool_switch(&to.version), "print version and ABI");
    add("help", po::bool_switch(&to.help), "print this");
    return options;
}

Result<> check(const Arguments& arguments) {
    const std::string& name = arguments.engine.instance;
    const bool good = !name.empty() && name.size() <= 48 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!good) return fail(EINVAL, "instance \"" + name + "\" is not 1 to 48 of A-Z a-z 0-9 _ -");
    // Without a document, all that config owns in the pinned tables would be swept away.
    if (!arguments.detach && arguments.engine.config_file.empty()) return fail(EINVAL, "--config FILE is missing");
    if (arguments.attach && arguments.detach) return fail(EINVAL, "--attach and --detach exclude each other");
    if (spdlog::level::from_str(arguments.log_level) == spdlog::level::off && arguments.log_level != "off")
        return fail(EINVAL, "log level \"" + arguments.log_level + "\" is none");
    return Ok{};
}

Result<> attach(const EngineOptions& options) {
    TRY(const Document document, load_document(options));
    return Datapath::attach_privileged(options.instance, settings_of(document, {}), document.uplinks);
}

Result<> run(Arguments& arguments) {
    auto logger = spdlog::stderr_logger_st("weftd");
    logger->set_pattern("%l: %v");  // the journal knows the time
    logger->set_level(spdlog::level::from_str(arguments.log_level));
    spdlog::set_default_logger(logger);
    TRY(arguments.engine.run_dir, make_run_dir(arguments.engine.instance));
    if (arguments.attach) return attach(arguments.engine);
    if (arguments.detach) return detach_instance(arguments.engine);
    return run_daemon(arguments.engine);
}

constexpr int REFUSED = 1, USAGE = 2;

int report(const Result<>& result, int code = REFUSED) {
    if (result) return 0;
    std::cerr << "weftd: " << result.error().what << "\n";
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    const po::options_description options = describe(arguments);
    try {
        po::variables_map values;
        po::store(po::command_line_parser(argc, argv).options(options).positional({}).run(), values);
        po::notify(values);
    } catch (const po::error& error) {
        return report(fail(EINVAL, error.what()), USAGE);
    }
    if (arguments.help) {
        std::cout << options;
        return 0;
    }
    if (arguments.version) {
        std::cout << "weftd " WEFT_VERSION ", ABI " << ABI_VERSION << "\n";
        return 0;
    }
    if (const auto good = check(arguments); !good) return report(good, USAGE);
    return report(run(arguments));
}
