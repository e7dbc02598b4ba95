-- To delete a user's old answers must not read all of their answers.
CREATE INDEX idempotent_answers_by_user ON idempotent_answers (user_id, created_at);
DROP INDEX idempotent_answers_by_age;
