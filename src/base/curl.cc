#include "base/curl.h"

#include <fmt/format.h>
#include <poll.h>

#include <cassert>

#include "base/error.h"

namespace pgstow {
namespace {

int on_progress(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

CURL* new_handle() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
  CURL* const curl = curl_easy_init();
  if (curl == nullptr) throw Error("libcurl: no memory");
  return curl;
}

}  // namespace

void CurlList::append(const std::string& line) {
  curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
  if (longer == nullptr) throw Error("libcurl: no memory");
  curl_slist* const shorter = list_.release();  // the head of the same list, unless it was empty
  assert(shorter == nullptr || shorter == longer);
  static_cast<void>(shorter);
  list_.reset(longer);
}

CurlUrl::CurlUrl(const std::string& text, unsigned flags)
    : good_(curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), flags) == CURLUE_OK) {}

std::string CurlUrl::part(CURLUPart part, unsigned flags) const {
  char* text = nullptr;
  if (curl_url_get(url_.get(), part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  return owned.get();
}

CurlHandle::CurlHandle() : curl_(new_handle()) {}

void CurlHandle::check(CURLcode code) {
  if (code != CURLE_OK) throw Error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
}

void CurlHandle::trust(const std::filesystem::path& ca) {
  if (ca.empty()) return;
  set(CURLOPT_CAINFO, ca.c_str());
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

CURLcode CurlHandle::perform(const std::stop_token& stop) {
  detail_.fill('\0');
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &stop);
  set(CURLOPT_ERRORBUFFER, detail_.data());
  return curl_easy_perform(curl_);
}

std::string CurlHandle::problem(CURLcode code) const {
  return detail_[0] == '\0' ? curl_easy_strerror(code) : detail_.data();
}

long CurlHandle::response_code() const {
  long code = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

bool CurlHandle::has_unread() const {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(curl_, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return false;
  if (socket == CURL_SOCKET_BAD) return false;  // it was closed
  pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace pgstow
