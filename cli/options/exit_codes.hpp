// What a command's exit code says.  Permanent: scripts depend on it.

#pragma once

namespace fanfold::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;   // The job failed, or the cluster did.
inline constexpr int kExitUsage = 2;    // The command line or an input is wrong.
inline constexpr int kExitPartial = 3;  // Finished without some of its input.
inline constexpr int kExitCancelled = 4;
inline constexpr int kExitInterrupted = 130;

}  // namespace fanfold::cli
