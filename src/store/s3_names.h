// Names that backups are being made under, so that of two hosts that begin in the same second the
// later one takes another name at once, and does not learn it only when its backup is whole.
//
// One small object beside the backups holds the last names that were taken. It is only ever
// replaced, by a write that fails when somebody else was faster (If-Match), so that nothing has to
// be removed, which the rights may not allow, and nothing piles up.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "store/s3_client.h"

namespace pgstow {

// Takes the name. Throws Exists when another run has it. Names stay taken: each is of one second.
// A server that does not mind the condition lets two have it who ask within the same moment.
void take_name(S3Client& client, std::string_view name, const std::stop_token& stop);

}  // namespace pgstow
