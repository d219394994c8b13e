#include "rafttest/script_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "rafttest/confchange_env.h"
#include "rafttest/datadriven.h"
#include "rafttest/interaction_env.h"
#include "rafttest/quorum_env.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text;
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file.good()) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

bool LooksLikeScript(const fs::path& path) {
  if (path.extension() != ".txt") return false;
  const absl::StatusOr<std::string> text = ReadFile(path.string());
  return text.ok() && absl::StrContains(absl::StrCat("\n", *text), "\n----\n");
}

// Calls `use` with the handler of a fresh environment for the path's dialect.
void WithEnvironment(const std::string& path, absl::FunctionRef<void(DirectiveHandler)> use) {
  switch (DialectOf(path)) {
    case Dialect::kInteraction: {
      InteractionEnv env;
      return use([&env](const Directive& directive) { return env.Handle(directive); });
    }
    case Dialect::kConfchange: {
      ConfchangeEnv env;
      return use([&env](const Directive& directive) { return env.Handle(directive); });
    }
    case Dialect::kQuorum: {
      const QuorumEnv env;
      return use([&env](const Directive& directive) { return env.Handle(directive); });
    }
  }
}

}  // namespace

Dialect DialectOf(const std::string& path) {
  Dialect dialect = Dialect::kInteraction;
  for (const fs::path& folder : fs::path(path).parent_path()) {
    if (folder == "confchange") dialect = Dialect::kConfchange;
    if (folder == "quorum") dialect = Dialect::kQuorum;
  }
  return dialect;
}

absl::StatusOr<std::vector<std::string>> FindScripts(const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> scripts;
  for (auto entry = fs::recursive_directory_iterator(path, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (LooksLikeScript(entry->path())) scripts.push_back(entry->path().string());
  }
  if (error) return absl::NotFoundError(absl::StrCat(path, ": ", error.message()));
  if (scripts.empty()) return absl::NotFoundError(absl::StrCat(path, ": no scripts there"));
  std::sort(scripts.begin(), scripts.end());
  return scripts;
}

absl::Status RunScriptFile(const std::string& path) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  absl::Status run;
  WithEnvironment(path, [&](DirectiveHandler handler) { run = RunScript(path, text, handler); });
  return run;
}

absl::Status RewriteScriptFile(const std::string& path) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  absl::StatusOr<std::string> rewritten = absl::UnknownError("not run");
  WithEnvironment(
      path, [&](DirectiveHandler handler) { rewritten = RewriteScript(path, text, handler); });
  if (!rewritten.ok()) return rewritten.status();
  if (*rewritten == text) return absl::OkStatus();
  return WriteFile(path, *rewritten);
}

}  // namespace rafttest
