//! Histories in which every promise is kept.

use crate::assert_sound;
use crate::story::Story;

/// Alice and bob talk. Carol joins later, loses her connection, and resumes. Bob reads history.
pub(crate) fn talk() -> Story {
    let story = Story::new(
        "alice connects
         bob connects
         alice joins
         alice joined 0 of 1
         bob joins
         bob joined 0 of 1
         alice sends tea
         bob hears 1 tea
         alice hears 1 tea
         alice acked tea 1
         bob sends milk
         alice hears 2 milk
         bob hears 2 milk
         bob acked milk 2
         carol connects
         carol joins
         carol resumes 1 tea
         carol resumes 2 milk
         carol joined 2 of 1
         carol loses-connection
         alice sends sugar
         alice hears 3 sugar
         alice acked sugar 3
         bob sends cake
         alice hears 4 cake
         bob hears 3 sugar
         bob hears 4 cake
         bob unknown cake
         carol connects
         carol joins after 2 of 1
         carol resumes 3 sugar
         carol resumes 4 cake
         carol joined 4 of 1
         bob asks-for-history
         bob reads 4 of 1
         bob finds 2 milk
         bob finds 3 sugar
         test reads-all 4 of 1
         test row 1 tea
         test row 2 milk
         test row 3 sugar
         test row 4 cake",
    );
    assert_sound(&story);
    story
}

/// Alice and bob send, and do not stay to listen.
pub(crate) fn dictation() -> Story {
    let story = Story::new(
        "alice joins
         alice joined 0 of 1
         alice left
         bob joins
         bob joined 0 of 1
         bob left
         alice sends tea
         alice acked tea 1
         bob sends milk
         bob acked milk 2
         bob sends cake
         bob unknown cake
         bob sends cake
         bob acked cake 3
         test reads-all 3 of 1
         test row 1 tea
         test row 2 milk
         test row 3 cake",
    );
    assert_sound(&story);
    story
}

/// The database is put back to what it was after one message. The second is gone, and sent again.
pub(crate) fn restoration() -> Story {
    let story = Story::new(
        "alice joins
         alice joined 0 of 1
         alice sends tea
         alice hears 1 tea
         alice acked tea 1
         alice sends milk
         alice hears 2 milk
         alice acked milk 2
         alice sends sugar
         alice hears 3 sugar
         alice acked sugar 3
         alice loses-connection
         test restores 6
         alice joins after 3 of 1
         alice resync 1 of 2
         alice resumes 1 tea
         alice joined 1 of 2
         alice sends sugar
         alice hears 2 sugar@200
         alice acked sugar@200 2
         test reads-all 2 of 2
         test row 1 tea
         test row 2 sugar@200",
    );
    assert_sound(&story);
    story
}

/// Carol's connection breaks while bob talks; then all is well again.
pub(crate) fn trouble() -> Story {
    let story = Story::new(
        "carol joins
         carol joined 0 of 1
         bob joins
         bob joined 0 of 1
         bob left
         bob sends tea
         bob acked tea 1
         carol hears 1 tea
         test breaks cable
         carol loses-connection
         bob sends milk
         wait 5000
         bob acked milk 2
         test heals
         wait 1000
         carol joins after 1 of 1
         carol resumes 2 milk
         carol joined 2 of 1
         test reads-all 2 of 1
         test row 1 tea
         test row 2 milk",
    );
    assert_sound(&story);
    story
}

/// Carol is logged out, and hears in time what was on its way. Then she logs in again.
pub(crate) fn farewell() -> Story {
    let story = Story::new(
        "carol joins
         carol joined 0 of 1
         bob joins
         bob joined 0 of 1
         bob left
         bob sends tea
         bob acked tea 1
         carol revoked
         wait 900
         carol hears 1 tea
         carol loses-connection
         wait 5000
         carol logs-in
         carol joins after 1 of 1
         carol joined 1 of 1
         test reads-all 1 of 1
         test row 1 tea",
    );
    assert_sound(&story);
    story
}
