#include "examples/raftexample/server/url.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace raftexample {
namespace {

absl::Status BadUrl(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("bad URL \"", text, "\": ", why));
}

// Splits "host:port" and "[v6]:port".
bool SplitHostPort(absl::string_view text, absl::string_view* host, absl::string_view* port) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return false;
  *host = text.substr(0, colon);
  *port = text.substr(colon + 1);
  if (absl::ConsumePrefix(host, "[")) return absl::ConsumeSuffix(host, "]");
  return host->find(':') == absl::string_view::npos;
}

}  // namespace

std::string Url::HostPort() const {
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

std::string Url::ToString() const {
  return absl::StrCat(tls ? "https" : "http", "://", HostPort());
}

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  absl::string_view rest = text;
  Url url;
  if (absl::ConsumePrefix(&rest, "https://")) {
    url.tls = true;
  } else if (!absl::ConsumePrefix(&rest, "http://")) {
    return BadUrl(text, "it must begin with http:// or https://");
  }
  absl::ConsumeSuffix(&rest, "/");
  absl::string_view host, port;
  if (!SplitHostPort(rest, &host, &port)) return BadUrl(text, "it must be host:port");
  if (host.empty()) return BadUrl(text, "the host is missing");
  if (host.find_first_of("/?#@ ") != absl::string_view::npos) {
    return BadUrl(text, "there must be nothing but a host and a port");
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) {
    return BadUrl(text, "the port must be a number from 1 to 65535");
  }
  url.host = std::string(host);
  url.port = static_cast<uint16_t>(number);
  return url;
}

absl::StatusOr<std::vector<Url>> ParseUrls(absl::string_view text) {
  std::vector<Url> urls;
  for (const absl::string_view one : absl::StrSplit(text, ',')) {
    absl::StatusOr<Url> url = ParseUrl(absl::StripAsciiWhitespace(one));
    if (!url.ok()) return url.status();
    urls.push_back(*std::move(url));
  }
  return urls;
}

std::vector<std::string> ToStrings(const std::vector<Url>& urls) {
  std::vector<std::string> texts;
  for (const Url& url : urls) texts.push_back(url.ToString());
  return texts;
}

}  // namespace raftexample
