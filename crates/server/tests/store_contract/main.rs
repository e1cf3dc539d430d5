//! What every engine of `chat::Store` is held to, a sentence a function. An engine is added at the end of this file.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod accounts;
mod engines;
mod messages;
mod presence;
mod rooms;
mod sessions;
mod world;

macro_rules! sentences {
    ($engine:ty, $noun:ident: $($sentence:ident)+) => {
        mod $noun {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $sentence() {
                    let world = crate::world::World::<$engine>::new().await;
                    crate::$noun::$sentence(world).await;
                }
            )+
        }
    };
}

macro_rules! hold_to_the_contract {
    ($name:ident, $engine:ty) => {
        mod $name {
            sentences! { $engine, accounts:
                the_first_account_is_the_administrator_and_no_other
                of_many_who_register_at_once_one_is_the_administrator
                a_name_is_taken_in_every_spelling
                a_name_is_taken_by_what_looks_like_it_in_capitals
                of_many_who_want_one_name_one_gets_it
                credentials_are_found_by_any_spelling_of_the_name
                a_better_hash_replaces_the_old_one
                a_better_hash_of_an_old_password_comes_too_late
                a_change_of_password_ends_all_other_sessions
                who_was_shut_out_meanwhile_changes_no_password
                a_log_in_with_a_password_that_was_changed_meanwhile_starts_no_session
                accounts_and_sessions_survive_a_restart
            }
            sentences! { $engine, sessions:
                a_session_is_known_by_its_token
                sessions_are_listed_most_recently_used_first
                those_who_were_here_lately_are_known_with_their_tokens
                a_session_is_ended_by_its_owner_and_nobody_else
                the_number_of_an_ended_session_is_not_used_again
                stale_sessions_end
                an_earlier_use_of_a_session_changes_nothing
            }
            sentences! { $engine, rooms:
                a_new_room_is_empty
                an_unknown_address_is_no_room
                rooms_come_by_their_last_activity
                every_room_is_on_exactly_one_page
                rooms_of_the_same_moment_are_on_exactly_one_page
                a_search_finds_names_whatever_their_case
                a_search_takes_every_character_literally
                a_search_counts_all_it_finds
                rooms_survive_a_restart
            }
            sentences! { $engine, messages:
                messages_are_numbered_from_one
                a_message_needs_a_room
                rooms_number_their_messages_apart
                many_writers_leave_no_gap
                time_in_a_room_never_runs_backwards
                a_message_is_told_before_its_author_hears
                messages_are_told_in_their_order
                a_repeat_gets_the_first_answer_and_is_not_told_again
                repeats_at_once_are_stored_once
                a_repeat_after_a_restart_gets_the_first_answer
                a_client_id_used_for_another_text_is_a_conflict
                a_client_id_used_in_another_room_is_a_conflict
                two_authors_may_use_the_same_client_id
                a_conflict_takes_no_number
                history_is_what_was_told
                pages_of_history_lead_from_end_to_end
                a_page_beyond_either_end_is_empty
                an_unknown_room_has_no_history
                a_log_goes_on_after_a_restart
            }
            sentences! { $engine, presence:
                nobody_has_been_in_a_new_room
                those_who_were_active_come_latest_first
                the_later_of_two_times_stands
                the_list_is_cut_and_the_total_is_not
                what_is_unknown_is_passed_over
                many_can_be_noted_at_once
                participants_survive_a_restart
            }
        }
    };
}

hold_to_the_contract!(sqlite, crate::engines::Sqlite);
hold_to_the_contract!(memory, crate::engines::Memory);
