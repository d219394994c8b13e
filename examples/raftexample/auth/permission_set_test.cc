#include "examples/raftexample/auth/permission_set.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

const std::string kZero(1, '\0');

TEST(KeySet, CoversWhatItsPartsCoverTogether) {
  KeySet set;
  set.Add({"b", "d"});
  set.Add({"d", "f"});  // Adjacent.
  set.Add({"m", ""});
  set.Add({"x", kZero});
  const struct {
    const char* name;
    std::string key, end;
    bool covered;
  } cases[] = {
      {"a part", "b", "c", true},
      {"across the seam", "c", "e", true},
      {"all of both", "b", "f", true},
      {"one too far", "b", "g", false},
      {"one too early", "a", "c", false},
      {"a single key inside", "c", "", true},
      {"the end itself", "f", "", false},
      {"the single key", "m", "", true},
      {"what begins with the single key", "m" + kZero, "", false},
      {"the single key as a range", "m", "m" + kZero, true},
      {"a single key is not all that begins with it", "m", "n", false},
      {"a single key is not all after it", "m", kZero, false},
      {"to the end of all keys", "x", kZero, true},
      {"later to the end", "y", kZero, true},
      {"earlier to the end", "w", kZero, false},
      {"everything", kZero, kZero, false},
      {"nothing", "d", "b", false},
  };
  for (const auto& c : cases) EXPECT_EQ(set.Covers({c.key, c.end}), c.covered) << c.name;
}

// Beside a plain list of which of some keys are allowed.
TEST(KeySet, DoesWhatAListOfKeysWouldDo) {
  // Between any two of these lies another, so that single keys and ranges differ.
  std::vector<std::string> keys;
  for (char c = 'a'; c < 'i'; ++c) {
    keys.push_back(std::string(1, c));
    keys.push_back(std::string(1, c) + kZero);
    keys.push_back(std::string(1, c) + "m");
  }
  keys.push_back("zz");  // Stands for what comes after everything that has an end.
  std::mt19937 random(8);
  auto letter = [&] { return std::string(1, static_cast<char>('a' + random() % 8)); };
  auto draw = [&](std::string* key, std::string* end) {
    *key = letter();
    switch (random() % 4) {
      case 0: *end = ""; break;
      case 1: *end = random() % 3 == 0 ? kZero : letter(); break;
      default: *end = letter();
    }
  };
  int covered = 0;
  for (int round = 0; round < 3000; ++round) {
    KeySet set;
    std::vector<bool> allowed(keys.size());
    std::string key, end;
    for (int n = static_cast<int>(random() % 6); n >= 0; --n) {
      draw(&key, &end);
      set.Add({key, end});
      for (size_t i = 0; i < keys.size(); ++i) {
        if (KeyRange{key, end}.Contains(keys[i])) allowed[i] = true;
      }
    }
    draw(&key, &end);
    const KeyRange asked{key, end};
    bool expected = !asked.IsEmpty();
    for (size_t i = 0; i < keys.size(); ++i) {
      if (asked.Contains(keys[i]) && !allowed[i]) expected = false;
    }
    EXPECT_EQ(set.Covers(asked), expected) << key << " " << end;
    covered += expected;
  }
  EXPECT_GT(covered, 300);
}

TEST(PermissionSet, ReadingAndWritingAreApart) {
  PermissionSet set;
  auto add = [&](authpb::Permission::Type type, const std::string& key) {
    authpb::Permission p;
    p.set_permtype(type);
    p.set_key(key);
    set.Add(p);
  };
  add(authpb::Permission::READ, "r");
  add(authpb::Permission::WRITE, "w");
  add(authpb::Permission::READWRITE, "b");
  EXPECT_TRUE(set.MayRead({"r", ""}));
  EXPECT_FALSE(set.MayWrite({"r", ""}));
  EXPECT_FALSE(set.MayRead({"w", ""}));
  EXPECT_TRUE(set.MayWrite({"w", ""}));
  EXPECT_TRUE(set.MayRead({"b", ""}));
  EXPECT_TRUE(set.MayWrite({"b", ""}));
}

}  // namespace
}  // namespace raftexample
