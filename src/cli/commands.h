/*
 * commands - the functions behind the rows of the table in commands.c; each prints its outcome.
 *
 * cli.h tells what is open when they are called.  pomona(1) tells what they do.
 */
#ifndef POMONA_CLI_COMMANDS_H
#define POMONA_CLI_COMMANDS_H

#include "cli/cli.h"

enum err_kind cli_admission_add(struct cli *cli, struct err *err);
enum err_kind cli_admission_list(struct cli *cli, struct err *err);
enum err_kind cli_admission_remove(struct cli *cli, struct err *err);

enum err_kind cli_audit_list(struct cli *cli, struct err *err);
enum err_kind cli_audit_verify(struct cli *cli, struct err *err);

enum err_kind cli_ca_crl(struct cli *cli, struct err *err);
enum err_kind cli_ca_files(struct cli *cli, struct err *err);
enum err_kind cli_ca_import(struct cli *cli, struct err *err);
enum err_kind cli_ca_list(struct cli *cli, struct err *err);
enum err_kind cli_ca_retire(struct cli *cli, struct err *err);
enum err_kind cli_ca_roll_over(struct cli *cli, struct err *err);
enum err_kind cli_ca_show(struct cli *cli, struct err *err);

enum err_kind cli_command_check(struct cli *cli, struct err *err);
enum err_kind cli_command_list(struct cli *cli, struct err *err);
enum err_kind cli_command_show(struct cli *cli, struct err *err);

enum err_kind cli_complete(struct cli *cli, struct err *err);

enum err_kind cli_device_list(struct cli *cli, struct err *err);
enum err_kind cli_device_list_group(struct cli *cli, const char *name, struct err *err);
enum err_kind cli_device_show(struct cli *cli, struct err *err);

enum err_kind cli_doctor(struct cli *cli, struct err *err);
enum err_kind cli_enroll_link(struct cli *cli, struct err *err);
enum err_kind cli_enroll_links(struct cli *cli, struct err *err);
enum err_kind cli_enroll_revoke(struct cli *cli, struct err *err);

enum err_kind cli_escrow_export(struct cli *cli, struct err *err);
enum err_kind cli_escrow_init(struct cli *cli, struct err *err);

enum err_kind cli_identity_issue(struct cli *cli, struct err *err);
enum err_kind cli_identity_list(struct cli *cli, struct err *err);
enum err_kind cli_identity_revoke(struct cli *cli, struct err *err);
enum err_kind cli_identity_search(struct cli *cli, struct err *err);
enum err_kind cli_identity_show(struct cli *cli, struct err *err);

enum err_kind cli_init(struct cli *cli, struct err *err);

enum err_kind cli_profile_enroll(struct cli *cli, struct err *err);
enum err_kind cli_profile_show(struct cli *cli, struct err *err);
enum err_kind cli_profile_sign(struct cli *cli, struct err *err);
enum err_kind cli_key_rotate(struct cli *cli, struct err *err);
enum err_kind cli_key_show(struct cli *cli, struct err *err);

enum err_kind cli_profile_uuid(struct cli *cli, struct err *err);
enum err_kind cli_profile_verify(struct cli *cli, struct err *err);

enum err_kind cli_push(struct cli *cli, struct err *err);

enum err_kind cli_push_cert_forget(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_import(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_list(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_remove(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_request(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_requests(struct cli *cli, struct err *err);
enum err_kind cli_push_cert_show(struct cli *cli, struct err *err);

enum err_kind cli_group_list(struct cli *cli, struct err *err);
enum err_kind cli_group_show(struct cli *cli, struct err *err);
enum err_kind cli_group_members(struct cli *cli, struct err *err);
enum err_kind cli_group_add(struct cli *cli, struct err *err);
enum err_kind cli_group_change(struct cli *cli, struct err *err);
enum err_kind cli_group_add_member(struct cli *cli, struct err *err);
enum err_kind cli_group_remove_member(struct cli *cli, struct err *err);
enum err_kind cli_group_remove(struct cli *cli, struct err *err);
enum err_kind cli_queue_add(struct cli *cli, struct err *err);
enum err_kind cli_queue_cancel(struct cli *cli, struct err *err);
enum err_kind cli_queue_clear(struct cli *cli, struct err *err);
enum err_kind cli_queue_list(struct cli *cli, struct err *err);

enum err_kind cli_result_list(struct cli *cli, struct err *err);
enum err_kind cli_result_show(struct cli *cli, struct err *err);

enum err_kind cli_return_to_service_list(struct cli *cli, struct err *err);
enum err_kind cli_return_to_service_remove(struct cli *cli, struct err *err);
enum err_kind cli_return_to_service_set(struct cli *cli, struct err *err);

enum err_kind cli_scep_challenge(struct cli *cli, struct err *err);

enum err_kind cli_schedule_add(struct cli *cli, struct err *err);
enum err_kind cli_schedule_list(struct cli *cli, struct err *err);
enum err_kind cli_schedule_pause(struct cli *cli, struct err *err);
enum err_kind cli_schedule_remove(struct cli *cli, struct err *err);
enum err_kind cli_schedule_resume(struct cli *cli, struct err *err);
enum err_kind cli_schedule_run(struct cli *cli, struct err *err);

enum err_kind cli_secret_list(struct cli *cli, struct err *err);
enum err_kind cli_secret_show(struct cli *cli, struct err *err);

enum err_kind cli_setting_get(struct cli *cli, struct err *err);
enum err_kind cli_setting_list(struct cli *cli, struct err *err);
enum err_kind cli_setting_set(struct cli *cli, struct err *err);
enum err_kind cli_setting_unset(struct cli *cli, struct err *err);

enum err_kind cli_token_service_hook(struct cli *cli, struct err *err);
enum err_kind cli_token_service_list(struct cli *cli, struct err *err);
enum err_kind cli_token_service_maid(struct cli *cli, struct err *err);
enum err_kind cli_token_service_remove(struct cli *cli, struct err *err);
enum err_kind cli_setup_add(struct cli *cli, struct err *err);
enum err_kind cli_setup_list(struct cli *cli, struct err *err);
enum err_kind cli_setup_remove(struct cli *cli, struct err *err);

enum err_kind cli_user_add(struct cli *cli, struct err *err);
enum err_kind cli_user_list(struct cli *cli, struct err *err);
enum err_kind cli_user_password(struct cli *cli, struct err *err);
enum err_kind cli_user_remove(struct cli *cli, struct err *err);

enum err_kind cli_version(struct cli *cli, struct err *err);

#endif
