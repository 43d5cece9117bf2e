// libcurl's objects, owned (https://curl.se/libcurl/c/): for those who speak by it. Each is for one
// thread at a time.
#pragma once

#include <curl/curl.h>

#include <array>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

namespace pgstow {

// A list of lines, such as headers.
class CurlList {
 public:
  void append(const std::string& line);
  curl_slist* get() const { return list_.get(); }

 private:
  struct Free {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, Free> list_;
};

// A URL, taken apart.
class CurlUrl {
 public:
  // With `flags` as of curl_url_set(). is_good() tells whether it is a URL.
  explicit CurlUrl(const std::string& text, unsigned flags = 0);
  bool is_good() const { return good_; }
  // Empty where there is none.
  std::string part(CURLUPart part, unsigned flags = 0) const;

 private:
  struct Free {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
  };
  std::unique_ptr<CURLU, Free> url_{curl_url()};
  const bool good_;
};

// One transfer at a time, and the connection that it leaves to the next one.
class CurlHandle {
 public:
  CurlHandle();
  CurlHandle(const CurlHandle&) = delete;
  CurlHandle& operator=(const CurlHandle&) = delete;
  ~CurlHandle() { curl_easy_cleanup(curl_); }

  template <typename Value>
  void set(CURLoption option, Value value) {
    check(curl_easy_setopt(curl_, option, value));
  }
  // Certificates in this file (PEM) instead of the system's; empty: the system's.
  void trust(const std::filesystem::path& ca);
  void reset() { curl_easy_reset(curl_); }  // all options; the connection stays

  // Ends with CURLE_ABORTED_BY_CALLBACK within a second of a stop. Raises no signal.
  CURLcode perform(const std::stop_token& stop);
  // What went wrong in the last perform(), in curl's words.
  std::string problem(CURLcode code) const;
  // The status, or the SMTP reply, that came last; 0 when none did.
  long response_code() const;
  // Something lies there that nobody has asked for: another request must not take it for its reply.
  bool has_unread() const;
  CURL* get() const { return curl_; }

 private:
  static void check(CURLcode code);

  CURL* curl_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
};

}  // namespace pgstow
