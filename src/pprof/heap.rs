//! What holds memory.

use super::error::ProfileError;
use super::offload::offload;
use super::profile::Profile;

const NEEDED: &str = "heap profiles need the feature `pprof-jemalloc`, tikv-jemallocator as the global \
     allocator, and `prof:true` among jemalloc's options";

/// Takes a profile of what is allocated now: the type `inuse_space` in `bytes`.
///
/// It is what jemalloc has sampled since the program started, so it is there at once. It is read and
/// its functions are named on a thread of its own, on any runtime.
///
/// What is allocated stands with the function that asked for it: the frames of jemalloc and of the
/// standard library at the end of a stack are left out, and so is what taking profiles holds itself.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_observability::pprof::heap_profile;
///
/// let before = heap_profile().await?;
/// // what is suspected to leak
/// let grown = heap_profile().await?.diff(&before)?;
/// for function in grown.functions("inuse_space").unwrap_or_default().iter().take(10) {
///     println!("{} {}", function.flat, function.name);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Unavailable`](ProfileError::Unavailable) unless jemalloc profiles this process: see the
/// [module](super).
pub async fn heap_profile() -> Result<Profile, ProfileError> {
    offload(|_| taken()).await
}

/// A heap profile as it is sent.
pub(super) async fn encoded() -> Result<Vec<u8>, ProfileError> {
    offload(|_| taken().map(|profile| profile.encode())).await
}

#[cfg(all(feature = "pprof-jemalloc", any(target_os = "linux", target_os = "macos")))]
fn taken() -> Result<Profile, ProfileError> {
    // asked first: `PROF_CTL` panics where jemalloc was built without profiling
    if !tikv_jemalloc_ctl::profiling::prof::read().unwrap_or(false) {
        return Err(ProfileError::Unavailable(NEEDED));
    }
    let Some(jemalloc) = jemalloc_pprof::PROF_CTL.as_ref() else {
        return Err(ProfileError::Unavailable(NEEDED));
    };
    // one at a time: each of them holds a thread, and stops the allocator for a while
    let Ok(mut jemalloc) = jemalloc.try_lock() else { return Err(ProfileError::Busy) };
    if !jemalloc.activated() {
        return Err(ProfileError::Unavailable(
            "jemalloc's profiling is not active: start with `prof_active:true` or activate it",
        ));
    }
    let failed = |error: String| ProfileError::Failed(error);
    let bytes = jemalloc.dump_pprof().map_err(|error| failed(error.to_string()))?;
    let profile = Profile::decode(&bytes).map_err(|error| failed(error.to_string()))?;
    Ok(super::callers::callers(profile))
}

#[cfg(not(all(feature = "pprof-jemalloc", any(target_os = "linux", target_os = "macos"))))]
fn taken() -> Result<Profile, ProfileError> {
    Err(ProfileError::Unavailable(NEEDED))
}
