#include "rafttest/script_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rafttest {
namespace {

// A file of this test run, below a folder that is the test's own.
std::string Write(const std::string& name, const std::string& text) {
  const std::string path = absl::StrCat(testing::TempDir(), "/scripts/", name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
  return path;
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(DialectOf, ComesFromTheFolders) {
  struct {
    const char* path;
    Dialect dialect;
  } cases[] = {
      {"a/b.txt", Dialect::kInteraction},
      {"confchange.txt", Dialect::kInteraction},
      {"/x/confchange/a.txt", Dialect::kConfchange},
      {"confchange/testdata/a.txt", Dialect::kConfchange},
      {"quorum/a.txt", Dialect::kQuorum},
      {"quorums/a.txt", Dialect::kInteraction},
      {"quorum/confchange/a.txt", Dialect::kConfchange},
  };
  for (const auto& c : cases) EXPECT_EQ(DialectOf(c.path), c.dialect) << c.path;
}

TEST(RunScriptFile, EachDialectHasItsCommands) {
  struct {
    const char* name;
    const char* text;
  } cases[] = {
      {"dialects/a.txt",
       "add-nodes 1\n----\nINFO 1 switched to configuration voters=()\nINFO 1 "
       "became follower at term 0\nINFO newRaft 1 [peers: [], term: 0, commit: "
       "0, applied: 0, lastindex: 0, lastterm: 0]\n\nvote\n----\nunknown "
       "command\n"},
      {"dialects/confchange/a.txt",
       "simple\nv1\n----\nvoters=(1)\n1: StateProbe match=0 next=1\n\nvote\n----\nunknown "
       "command\n\nleave-joint\n----\ncan't leave a non-joint config\n\nsimple\nl2\n----\n"
       "voters=(1) learners=(2)\n1: StateProbe match=0 next=1\n2: StateProbe match=0 next=3 "
       "learner\n"},
      {"dialects/quorum/a.txt",
       "vote cfg=(1) votes=(y)\n----\nVoteWon\n\nsimple\n----\nunknown "
       "command\n"},
  };
  for (const auto& c : cases) {
    const absl::Status run = RunScriptFile(Write(c.name, c.text));
    EXPECT_TRUE(run.ok()) << run;
  }
}

TEST(RunScriptFile, EveryFileStartsAfresh) {
  const std::string path = Write("fresh/confchange/a.txt",
                                 "simple\nv1\n----\nvoters=(1)\n1: StateProbe match=0 next=1\n");
  EXPECT_TRUE(RunScriptFile(path).ok());
  EXPECT_TRUE(RunScriptFile(path).ok());
}

TEST(RewriteScriptFile, WritesWhatTheScriptGives) {
  const std::string path = Write("rewrite/quorum/a.txt", "vote cfg=(1) votes=(y)\n----\nold\n");
  EXPECT_FALSE(RunScriptFile(path).ok());
  EXPECT_TRUE(RewriteScriptFile(path).ok());
  EXPECT_EQ(Read(path), "vote cfg=(1) votes=(y)\n----\nVoteWon\n");
  EXPECT_TRUE(RunScriptFile(path).ok());
}

TEST(RewriteScriptFile, LeavesAMistakenScriptAlone) {
  const std::string text = "vote cfg=(1) votes=(y)\n----\nold\n\nvote cfg=(x)\n----\n";
  const std::string path = Write("mistaken/quorum/a.txt", text);
  EXPECT_FALSE(RewriteScriptFile(path).ok());
  EXPECT_EQ(Read(path), text);
}

TEST(FindScripts, TakesTextFilesWithDirectivesFromFolders) {
  const std::string script = "vote\n----\n";
  const std::string b = Write("found/b.txt", script);
  const std::string a = Write("found/below/a.txt", script);
  Write("found/README.md", script);
  Write("found/vectors.txt", "not a script\n");
  const std::string folder = std::filesystem::path(b).parent_path().string();
  auto found = FindScripts(folder);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, (std::vector<std::string>{b, a}));
}

TEST(FindScripts, AFileIsTakenAsItIs) {
  const std::string path = Write("one/notes", "no directives\n");
  EXPECT_EQ(FindScripts(path).value(), std::vector<std::string>{path});
}

TEST(FindScripts, NothingIsAnError) {
  EXPECT_FALSE(FindScripts(absl::StrCat(testing::TempDir(), "/nowhere")).ok());
  const std::string path = Write("empty/notes", "no directives\n");
  EXPECT_FALSE(FindScripts(std::filesystem::path(path).parent_path().string()).ok());
}

}  // namespace
}  // namespace rafttest
