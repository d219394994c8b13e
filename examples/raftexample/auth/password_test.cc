#include "examples/raftexample/auth/password.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

constexpr int kCost = 4;  // As low as bcrypt goes.

TEST(Password, OnlyTheRightOneVerifies) {
  const std::string hash = *HashPassword("secret", kCost);
  EXPECT_TRUE(IsPasswordHash(hash));
  EXPECT_TRUE(VerifyPassword("secret", hash, kCost));
  EXPECT_FALSE(VerifyPassword("Secret", hash, kCost));
  EXPECT_FALSE(VerifyPassword("secret ", hash, kCost));
  EXPECT_FALSE(VerifyPassword("", hash, kCost));
  EXPECT_EQ(hash.find("secret"), std::string::npos);
}

TEST(Password, HashesOfOtherImplementationsVerify) {
  // The published vectors of OpenBSD's and of Openwall's bcrypt.
  EXPECT_TRUE(
      VerifyPassword("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", kCost));
  EXPECT_TRUE(VerifyPassword("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
                             kCost));
}

TEST(Password, TwoHashesOfOnePasswordDiffer) {
  EXPECT_NE(*HashPassword("secret", kCost), *HashPassword("secret", kCost));
}

TEST(Password, MayBeEmpty) {
  const std::string hash = *HashPassword("", kCost);
  EXPECT_TRUE(VerifyPassword("", hash, kCost));
  EXPECT_FALSE(VerifyPassword("x", hash, kCost));
}

TEST(Password, WhatCannotBeHashedIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(HashPassword(std::string("a\0b", 3), kCost).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(HashPassword(std::string(73, 'x'), kCost).status()))
      << "bcrypt would not look at the end of it";
  EXPECT_TRUE(HashPassword(std::string(72, 'x'), kCost).ok());
}

TEST(Password, NothingVerifiesAgainstWhatIsNoHash) {
  for (const char* hash : {"", "x", "secret", "$2b$04$", "*0", "$1$abc$def",
                           "$2b$04$not a hash but as long as one would be, to the letter"}) {
    EXPECT_FALSE(VerifyPassword("secret", hash, kCost)) << hash;
  }
  std::string costly = *HashPassword("secret", kCost);
  costly.replace(4, 2, "31");
  EXPECT_FALSE(IsPasswordHash(costly)) << "a login would take a day";
}

TEST(Secret, IsLongAndNeverTheSame) {
  const std::string one = NewSecret();
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(one, NewSecret());
}

TEST(Secret, IsOverwrittenWhenItIsNotNeeded) {
  std::string password(40, 'p');
  const char* memory = password.data();
  Wipe(&password);
  EXPECT_TRUE(password.empty());
  // The string keeps its memory, so this may be looked at.
  EXPECT_EQ(std::string(memory + 1, 39), std::string(39, '\0'));
}

}  // namespace
}  // namespace raftexample
