#include "examples/raftexample/server/url.h"

#include "gtest/gtest.h"

namespace raftexample {
namespace {

TEST(Url, ReadsWhatItWrites) {
  for (const char* text : {"http://10.0.0.1:2380", "https://etcd-0.etcd:2379", "http://[::1]:1"}) {
    const absl::StatusOr<Url> url = ParseUrl(text);
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->ToString(), text);
  }
  EXPECT_EQ(ParseUrl("http://localhost:2379/")->HostPort(), "localhost:2379");
  EXPECT_EQ(ParseUrl("http://[::1]:2379")->host, "::1");
}

TEST(Url, RefusesEverythingElse) {
  for (const char* text : {"", "localhost:2379", "ftp://a:1", "http://", "http://a",
                           "http://a:", "http://:1", "http://a:0", "http://a:65536", "http://a:x",
                           "http://a:1/path", "http://u@a:1", "http://::1:1", "unix://a:1"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
  EXPECT_FALSE(ParseUrls("").ok());
  EXPECT_FALSE(ParseUrls("http://a:1,").ok());
  EXPECT_EQ(ParseUrls("http://a:1, http://b:2")->size(), 2u);
}

}  // namespace
}  // namespace raftexample
